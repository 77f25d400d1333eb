import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../../support/member-process.ts';
import { starling } from '../../support/run-starling.ts';
import { RunningDev } from '../../support/running-dev.ts';

interface Listed {
  readonly versionId: string;
  readonly isMine: boolean;
  readonly latest: { readonly wanted: number; readonly actual: number } | null;
  readonly control: { readonly kind: string; readonly why: string } | null;
}

/** One story on real parts: two replicas, so that half of what is asked lives elsewhere. */
describe('commands that ask a running server', () => {
  const folder = mkdtempSync(join(tmpdir(), 'starling-verbs-'));
  let dev: RunningDev;
  let versionId: string;

  const run = (...args: string[]) => starling([...args, '--url', dev.consoleUrl]);
  const listed = async (): Promise<Listed[]> => {
    const { stdout } = await run('functions', '-o', 'json');
    return (JSON.parse(stdout) as { items: Listed[] }).items;
  };
  const mine = async () => (await listed()).find((each) => each.versionId === versionId);

  beforeAll(async () => {
    dev = await RunningDev.start({ dataDir: folder, flags: ['--replicas', '2'] });
    for (const name of ['one', 'two', 'three', 'four']) await dev.callsOf(name);
    const { functions } = await dev.json<{ functions: { activeVersionId: string }[] }>(
      `${dev.platformUrl}/v1/functions?namespace=native`,
    );
    versionId = functions[0]?.activeVersionId ?? '';
    await until('all of them were found and decided for', 60_000, async () => {
      const items = await listed();
      return items.length === 4 && items.every(({ latest }) => latest !== null);
    });
  });

  afterAll(async () => {
    dev?.process.child.kill('SIGKILL');
    await dev?.process.ended;
    rmSync(folder, { recursive: true, force: true });
  });

  it('show the whole fleet, with the live values of other replicas', async () => {
    const { code, stdout, stderr } = await run('top', '--once');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/ 2 replicas, 4 function versions, /);
    expect(stdout).not.toMatch(/see \S+$/m);
  });

  it('override sets the count whatever the load, until it is ended', { timeout: 120_000 }, async () => {
    const dry = await run('override', versionId, '3', '--why', 'a trial', '--dry-run');
    expect(dry).toMatchObject({ code: 0, stdout: expect.stringMatching(/^would stand: the override to 3/) });
    expect((await mine())?.control).toBeNull();
    const { code, stdout } = await run('override', versionId, '3', '--for', '10m', '--why', 'a trial', '--yes');
    expect({ code, stdout }).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^stands: the override to 3 of /),
    });
    await until('three run', 30_000, async () => {
      const { instances } = await dev.json<{ instances: { versionId: string; state: string }[] }>(
        `${dev.platformUrl}/v1/instances`,
      );
      return instances.filter((each) => each.versionId === versionId && each.state !== 'terminating').length === 3;
    });
    expect((await mine())?.control).toMatchObject({ kind: 'override', why: 'a trial' });
    expect((await run('functions')).stdout).toMatch(/overridden to 3 until .*: a trial/);
    expect((await run('resume', versionId, '--yes')).stdout).toMatch(/^ended: the override to 3 of /);
    expect((await mine())?.control).toBeNull();
  });

  it('pause, and release a future freeze', async () => {
    expect((await run('pause', versionId, '--why', 'a trial', '--yes')).code).toBe(0);
    expect((await mine())?.control).toMatchObject({ kind: 'pause' });
    expect((await run('unfreeze', '--for', '1m', '--why', 'a trial', '--yes')).stdout).toMatch(
      /^stands: the release of the freeze until /,
    );
    const { items } = await dev.json<{ items: { kind: string }[] }>(`${dev.consoleUrl}/v1/controls`);
    expect(items.map(({ kind }) => kind).sort()).toEqual(['freeze-release', 'pause']);
  });
});

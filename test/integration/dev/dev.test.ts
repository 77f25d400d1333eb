import { chmodSync, chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { until } from '../../support/member-process.ts';
import { isAlive } from '../../support/platform/running-platform.ts';
import { starling } from '../../support/run-starling.ts';
import { RunningDev } from '../../support/running-dev.ts';
import { freePort } from '../../support/timeseries/timeseries-server.ts';

const NOBODY = 65_534;
const isRoot = process.getuid?.() === 0;
/** Two seconds are promised; what a busy machine needs to notice the end comes on top. */
const STOPPED_WITHIN_MS = 2_500;

describe('starling dev', () => {
  const folders: string[] = [];
  const running: RunningDev[] = [];

  const folder = () => {
    const made = mkdtempSync(join(tmpdir(), 'starling-dev-'));
    folders.push(made);
    return made;
  };
  const start = async (dataDir: string, ...flags: string[]) => {
    const dev = await RunningDev.start({ dataDir, flags });
    running.push(dev);
    return dev;
  };
  const members = (dev: RunningDev) =>
    dev.json<{ items: { isAlive: boolean; bucketsOwned: number }[] }>(`${dev.consoleUrl}/v1/members`);

  afterEach(async () => {
    for (const { process } of running) process.child.kill('SIGKILL');
    await Promise.all(running.splice(0).map(({ process }) => process.ended));
    for (const each of folders.splice(0)) rmSync(each, { recursive: true, force: true });
  });

  it('starts every part, keeps its data, and stops within two seconds without a process left', {
    timeout: 120_000,
  }, async () => {
    const dataDir = join(folder(), 'deep', 'data');
    const first = await start(dataDir);
    expect(first.process.stdout.split('\n').length).toBeLessThan(25);
    expect(first.process.stdout).toMatch(/functions: 0$/m);
    const [status, ready, up] = await Promise.all([
      first.json<{ members: number }>(`${first.consoleUrl}/v1/status`),
      fetch(`${first.metricsUrl}/-/ready`),
      until('both are scraped', 20_000, async () => {
        const { data } = await first.json<{ data: { result: { value: [number, string] }[] } }>(
          `${first.metricsUrl}/api/v1/query?query=up`,
        );
        return data.result.length === 2 && data.result.every(({ value }) => value[1] === '1');
      }),
    ]);
    expect([status.members, ready.status, up]).toEqual([1, 200, true]);
    const instance = await first.callsOf('hello');
    expect(isAlive(instance)).toBe(true);
    await until('the autoscaler has found it', 30_000, async () => {
      const { items } = await first.json<{ items: unknown[] }>(`${first.consoleUrl}/v1/functions`);
      return items.length === 1;
    });
    const { code, tookMs } = await first.interrupt();
    expect({ code, stderr: first.process.stderr }).toEqual({ code: 0, stderr: '' });
    expect(tookMs).toBeLessThan(STOPPED_WITHIN_MS);
    expect([instance, ...first.replicaPids].filter(isAlive)).toEqual([]);
    expect(readFileSync(join(dataDir, 'log', 'autoscaler-1.log'), 'utf8')).toContain('"service.stopped"');

    const second = await start(dataDir);
    expect(second.process.stdout).toMatch(/functions: 1$/m);
    expect(second.process.stdout).toContain('as you left it');
    expect(await second.json(`${second.platformUrl}/v1/functions/hello/invoke`, {})).toBeGreaterThan(0);
  });

  it('shows scaling up, down, to zero and from zero in its demo', { timeout: 600_000 }, async () => {
    const dev = await start(folder(), '--demo', '--demo-pace', 'quick');
    await until('the demo is over', 560_000, () => dev.process.stdout.includes('The demo is over'));
    expect(dev.process.stdout).toMatch(/The demo is over after [\d:]+: scaled up, down, to zero and from zero\./);
    expect(dev.process.stdout).toMatch(/ \d+ calls answered, 0 failed\./);
    const [, versionId = '', file = ''] = /explain (\S+) --config (\S+)/.exec(dev.process.stdout) ?? [];
    const explained = await starling(['explain', versionId, '--config', file, '--limit', '200']);
    expect(explained.code).toBe(0);
    // Each of them by the autoscaler: from zero, up, down, to zero.
    expect(explained.stdout).toMatch(/raise 0 -> \d+ .*applied under token/);
    expect(explained.stdout).toMatch(/raise [1-9]\d* -> \d+ .*applied under token/);
    expect(explained.stdout).toMatch(/lower \d+ -> [1-9]\d* .*applied under token/);
    expect(explained.stdout).toMatch(/lower \d+ -> 0 .*applied under token/);
    expect((await dev.interrupt()).code).toBe(0);
  });

  it('leaves nothing when it is killed', { timeout: 120_000 }, async () => {
    const dev = await start(folder());
    const instance = await dev.callsOf('hello');
    dev.process.child.kill('SIGKILL');
    await dev.process.ended;
    const all = [instance, ...dev.replicaPids];
    await until('all of them have ended', 10_000, () => all.every((pid) => !isAlive(pid)));
  });

  it('continues with the other replicas when one is killed, and ends when none is left', {
    timeout: 180_000,
  }, async () => {
    const dev = await start(folder(), '--replicas', '2');
    const [first = 0, second = 0] = dev.replicaPids;
    await until('they share the buckets', 30_000, async () => {
      const { items } = await members(dev);
      return items.filter(({ bucketsOwned }) => bucketsOwned > 0).length === 2;
    });
    process.kill(first, 'SIGKILL');
    const killedMs = performance.now();
    await until('it is told', 5_000, () => dev.process.stdout.includes('replica 1'));
    expect(dev.process.stdout).toMatch(/^replica 1 \(pid \d+\) is gone: SIGKILL; replica 2 takes over/m);
    await until('the other one has all, at the same address', 15_000, async () => {
      const { items } = await members(dev).catch(() => ({ items: [] }));
      return items.some(({ isAlive: lives, bucketsOwned }) => lives && bucketsOwned === 1024);
    });
    expect(performance.now() - killedMs).toBeLessThan(12_000);
    process.kill(second, 'SIGKILL');
    const ended = await dev.process.ended;
    expect(ended.code).toBe(1);
    expect(ended.stdout).toContain('it was the last one');
  });

  it('reports each taken port in one line, and starts nothing', { timeout: 60_000 }, async () => {
    const port = 20_000 + ((await freePort()) % 20_000);
    const dataDir = join(folder(), 'data');
    const servers = await Promise.all(
      [port, port + 10].map(async (each) => {
        const server = createServer();
        await new Promise<void>((resolve, reject) => {
          server.once('error', reject);
          server.listen(each, '127.0.0.1', resolve);
        });
        return server;
      }),
    );
    try {
      const { code, stdout, stderr } = await starling(['dev', '--port', String(port), '--data-dir', dataDir]);
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      expect(stderr.trim().split('\n')).toEqual([
        expect.stringMatching(`^cannot listen on 127.0.0.1:${port} for the console: the port is taken`),
        expect.stringMatching(`^cannot listen on 127.0.0.1:${port + 10} for the platform: the port is taken`),
        expect.stringMatching(/--port moves all of them/),
      ]);
    } finally {
      for (const server of servers) server.close();
    }
  });

  it('refuses a folder that another one uses', { timeout: 60_000 }, async () => {
    const dataDir = folder();
    await start(dataDir);
    const { code, stderr } = await starling(['dev', '--port', '0', '--data-dir', dataDir]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/another platform runs on this data folder/);
    expect(stderr.trim().split('\n').length).toBe(1);
  });

  it.skipIf(!isRoot)('reports in one line that a folder cannot be written', { timeout: 60_000 }, async () => {
    const locked = join(folder(), 'locked');
    mkdirSync(locked);
    chmodSync(join(locked, '..'), 0o755);
    for (const dataDir of [locked, join(locked, 'below')]) {
      const { code, stdout, stderr } = await starling(['dev', '--port', '0', '--data-dir', dataDir], { uid: NOBODY });
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      expect(stderr).toMatch(
        /^cannot keep data in \S+: this user may not write there; choose another folder with --data-dir\n$/,
      );
    }
    // What somebody else left in a folder that is ours by now.
    const mixed = join(locked, '..', 'mixed');
    mkdirSync(mixed);
    writeFileSync(join(mixed, 'starling.db'), '', { mode: 0o600 });
    chownSync(mixed, NOBODY, NOBODY);
    const { code, stderr } = await starling(['dev', '--port', '0', '--data-dir', mixed], { uid: NOBODY });
    expect(code).toBe(2);
    expect(stderr).toMatch(/^cannot keep data in \S+\/starling\.db: this user may not write there; .*\n$/);
  });
});

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { parse } from 'yaml';
import { declareConfig } from '../../src/commands/config.ts';
import { loadConfig } from '../../src/config/load-config.ts';

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'starling-command-'));
});

afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

async function run(...args: string[]): Promise<{ stdout: string; stderr: string; code: number | undefined }> {
  let code: number | undefined;
  const program = new Command('starling').exitOverride();
  declareConfig(program.command('config'), (ended) => {
    code = ended;
  });
  for (const command of program.commands) command.exitOverride().configureOutput({ writeErr: () => {} });
  const [stdout, stderr] = [process.stdout, process.stderr].map((stream) => {
    return vi.spyOn(stream, 'write').mockReturnValue(true);
  });
  const textOf = (written: typeof stdout) => written?.mock.calls.map(([chunk]) => String(chunk)).join('') ?? '';
  try {
    await program.parseAsync(['config', ...args], { from: 'user' });
    return { stdout: textOf(stdout), stderr: textOf(stderr), code };
  } finally {
    vi.restoreAllMocks();
  }
}

describe('starling config', () => {
  it('shows each value with its source', async () => {
    const { stdout, code } = await run(
      '--scaling-interval',
      '20s',
      '--dry-run',
      '--set',
      'member.weight=2',
      '--set',
      'member.idPrefix=x',
    );
    expect(code).toBe(0);
    expect(stdout).toMatch(/^scaling\.interval +20s +flag --scaling-interval$/m);
    expect(stdout).toMatch(/^controlPlane\.dryRun +true +flag --dry-run$/m);
    expect(stdout).toMatch(/^member\.weight +2 +flag --set member\.weight$/m);
    expect(stdout).toMatch(/^member\.idPrefix +x +flag --set/m);
    expect(stdout).toMatch(/^membership\.beat +1s +default$/m);
  });

  it('prints YAML that loads as the same configuration', async () => {
    const { stdout } = await run(
      '-o',
      'yaml',
      '--timeseries-labels',
      'a=b',
      '--policy-kind',
      'steps',
      '--store',
      'memory:',
    );
    const file = join(directory, 'printed.yaml');
    writeFileSync(file, stdout);
    const expected = loadConfig({ set: ['timeseries.labels=a=b', 'policy.kind=steps', 'store.url=memory:'] });
    const again = loadConfig({ files: [file] });
    expect(again.hash).toBe(expected.hash);
    expect(again.config).toEqual(expected.config);
  });

  it('prints JSON alone on standard output, with durations as text', async () => {
    const { stdout } = await run('-o', 'json', '--config', writeConfig('scaling: {interval: 20s}'));
    const { options } = JSON.parse(stdout) as { options: { key: string; value: unknown; source: string }[] };
    expect(options.find(({ key }) => key === 'scaling.interval')).toMatchObject({
      value: '20s',
      source: expect.stringContaining(':1'),
    });
    expect(options.find(({ key }) => key === 'timeseries.retries')).toMatchObject({ value: 2 });
  });

  it('lets the later of two files win', async () => {
    const { stdout } = await run(
      '-c',
      writeConfig('member: {weight: 2}', 'a'),
      '-c',
      writeConfig('member: {weight: 3}', 'b'),
      '-o',
      'yaml',
    );
    expect((parse(stdout) as { member: { weight: number } }).member.weight).toBe(3);
  });

  it('takes an explicit no for a switch', async () => {
    const { stdout } = await run('--config', writeConfig('controlPlane: {dryRun: true}'), '--dry-run', 'false');
    expect(stdout).toMatch(/^controlPlane\.dryRun +false +flag --dry-run$/m);
  });

  it('prints the JSON Schema without looking at the configuration', async () => {
    const { stdout } = await run('--schema', '--config', join(directory, 'absent.yaml'));
    expect(JSON.parse(stdout)).toMatchObject({ title: 'Starling configuration', additionalProperties: false });
  });

  it('says everything that is wrong', async () => {
    await expect(run('--scaling-interval', 'soon', '--set', 'a.b=c')).rejects.toThrow(/^2 faults in the configuration/);
  });

  it('refuses a flag that does not exist', async () => {
    await expect(run('--http-admin-token', 'secret')).rejects.toThrow(/unknown option/);
  });
});

function writeConfig(text: string, name = 'config'): string {
  const file = join(directory, `${name}.yaml`);
  writeFileSync(file, text);
  return file;
}

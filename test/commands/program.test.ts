import { fileURLToPath } from 'node:url';
import { describe, expect, it, vi } from 'vitest';
import packageJson from '../../package.json' with { type: 'json' };
import { StarlingProcess, starling } from '../support/run-starling.ts';

// Each of these is a process of its own, on a machine that may be busy.
vi.setConfig({ testTimeout: 60_000 });

/** Those that take the whole configuration. */
const COMMANDS = ['dev', 'autoscale', 'migrate', 'config', 'doctor', 'evaluate', 'explain'] as const;
const LIST_LOADS = fileURLToPath(new URL('../support/list-loads.mjs', import.meta.url));

async function loadsOf(...args: string[]): Promise<string[]> {
  const { stderr, code } = await starling(args, { nodeFlags: ['--import', LIST_LOADS] });
  expect(code).toBe(0);
  return stderr.split('\n').filter((line) => line.startsWith('file:'));
}

describe('starling', () => {
  it('prints its version', async () => {
    expect(await starling(['--version'])).toEqual({
      code: 0,
      signal: null,
      stdout: `${packageJson.version}\n`,
      stderr: '',
    });
  });

  it('lists its commands, and says where they are when none is named', async () => {
    const help = await starling(['--help']);
    expect(help).toMatchObject({ code: 0, stderr: '' });
    for (const command of COMMANDS) expect(help.stdout).toMatch(new RegExp(`^  ${command} `, 'm'));
    const nothing = await starling([]);
    expect(nothing).toMatchObject({ code: 2, stdout: '' });
    expect(nothing.stderr).toBe(help.stdout);
  });

  it.each(COMMANDS)('explains %s, both ways of asking', async (command) => {
    const [help, other] = await Promise.all([starling([command, '--help']), starling(['help', command])]);
    expect(help).toMatchObject({ code: 0, stderr: '' });
    expect(help.stdout).toMatch(new RegExp(`^Usage: starling ${command}`));
    expect(help.stdout).toContain('--config <file>');
    expect(help.stdout).toContain('docs/configuration.md');
    expect(other.stdout).toBe(help.stdout);
  });

  it.each([
    [['explan', 'x'], /unknown command 'explan'\n\(Did you mean explain\?\)/],
    [['nonsense'], /unknown command 'nonsense'/],
    [['doctor', '--stor', 'memory:'], /unknown option '--stor'\n\(Did you mean --store\?\)/],
    // One that the help does not show.
    [['config', '--scaling-intervall', '3s'], /\(Did you mean --scaling-interval\?\)/],
    [['--store', 'memory:', 'config'], /\(--store stands behind the command/],
    [['config', '--http-admin-token', 'canary-in-argv'], /Secrets are read from files: --http-admin-token-file/],
    [['explain'], /missing required argument 'function-version'\n\(starling explain --help shows what there is\)/],
    [['explain', 'v', '--limit', '0'], /whole number from 1 to 1000/],
    [['explain', 'v', '--limit', '1e3x'], /whole number/],
    [['doctor', '--output', 'xml'], /Allowed choices are table, json, yaml/],
    [['doctor', '--only', 'everything'], /Allowed choices are store, timeseries, control-plane/],
    [['config', 'too', 'many'], /too many arguments/],
  ])('refuses %j with 2, says why on standard error, and says nothing else', async (args, says) => {
    const { code, stdout, stderr } = await starling(args);
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toMatch(says);
    expect(stderr).not.toContain('canary');
  });

  it('loads only what a command needs', async () => {
    const heavy =
      /axios|opentelemetry|express|cassandra-driver|prometheus-query|\/pino\/|\/src\/(adapters|http|loops)\//;
    const [version, config, help] = await Promise.all([
      loadsOf('--version'),
      loadsOf('config'),
      loadsOf('doctor', '--help'),
    ]);
    expect(version.length).toBeGreaterThan(3);
    for (const loads of [version, config, help]) expect(loads.filter((url) => heavy.test(url))).toEqual([]);
    expect(version.filter((url) => /zod|convict|yaml/.test(url))).toEqual([]);
    // The measure measures: a command that needs them has them.
    expect((await loadsOf('migrate', '--store', 'memory:')).some((url) => heavy.test(url))).toBe(true);
  });
});

describe('wrong configuration', () => {
  it.each(COMMANDS)('is reported by %s, all of it at once, with 2', async (command) => {
    const { code, stdout, stderr } = await starling(
      [command, ...(command === 'evaluate' || command === 'explain' ? ['v'] : []), '--scaling-interval', 'soon'],
      { env: { STARLING_MEMBERSHIP_BEAT: '-1s', STARLING_STORE_URL: 'mysql://x' } },
    );
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/^3 faults in the configuration/);
    for (const source of ['flag --scaling-interval', 'STARLING_MEMBERSHIP_BEAT', 'STARLING_STORE_URL'])
      expect(stderr).toContain(source);
  });
});

describe('starling config', () => {
  it('masks what is secret, wherever it comes from', async () => {
    const env = {
      STARLING_TIMESERIES_AUTH_KIND: 'bearer',
      STARLING_TIMESERIES_AUTH_TOKEN: 'canary-token',
      STARLING_HTTP_ADMIN_TOKEN: 'canary-admin',
    };
    for (const format of ['table', 'json', 'yaml']) {
      const { stdout, stderr, code } = await starling(['config', '--timeseries', 'https://m', '-o', format], { env });
      expect(code, stderr).toBe(0);
      expect(stdout).toContain('[redacted]');
      expect(stdout + stderr).not.toContain('canary');
      if (format === 'json') JSON.parse(stdout);
    }
  });

  it.each([['config'], ['doctor', '--store', 'memory:', '--only', 'store']])(
    'minds no reader that has gone: %j',
    async (...args) => {
      const process = new StarlingProcess(args);
      process.child.stdout?.destroy();
      expect(await process.ended).toMatchObject({ code: 0, signal: null, stderr: '' });
    },
  );
});

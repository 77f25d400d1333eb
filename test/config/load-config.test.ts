import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LEAVES } from '../../src/config/declarations.ts';
import { type ConfigInput, loadConfig } from '../../src/config/load-config.ts';
import { ConfigError, type ConfigProblem } from '../../src/config/problem.ts';

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'starling-config-'));
});

afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

function file(name: string, text: string): string {
  const path = join(directory, name);
  writeFileSync(path, text);
  return path;
}

function problemsOf(input: ConfigInput): readonly ConfigProblem[] {
  try {
    loadConfig(input);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

function sourceOf(input: ConfigInput, key: string): string | undefined {
  return loadConfig(input).effective.find((option) => option.key === key)?.source;
}

describe('the layers', () => {
  it('has defaults for everything, and they agree with each other', () => {
    const { config, warnings } = loadConfig();
    expect(config.scaling.intervalMs).toBe(15_000);
    expect(config.membership.deadAfterMs).toBe(6000);
    expect(config.http.metrics).toEqual({ host: '0.0.0.0', port: 41_338 });
    expect(config.storeTarget).toEqual({ kind: 'sqlite', path: 'starling.db' });
    expect(config.defaultPolicy.kind).toBe('target');
    expect(warnings).toEqual([]);
  });

  it('lets each layer win over the one before, and knows which one did', () => {
    const a = file('a.yaml', 'scaling:\n  interval: 16s\n');
    const b = file('b.yaml', '# second\nscaling:\n  interval: 17s\n');
    const env = { STARLING_SCALING_INTERVAL: '18s' };
    const set = ['scaling.interval=19s'];
    const flags = { 'scaling-interval': '20s' };
    const steps: [ConfigInput, number, string][] = [
      [{}, 15_000, 'default'],
      [{ files: [a] }, 16_000, `${a}:2`],
      [{ files: [a, b] }, 17_000, `${b}:3`],
      [{ files: [b, a] }, 16_000, `${a}:2`],
      [{ files: [a, b], env }, 18_000, 'environment STARLING_SCALING_INTERVAL'],
      [{ files: [a, b], env, set }, 19_000, 'flag --set scaling.interval'],
      [{ files: [a, b], env, set, flags }, 20_000, 'flag --scaling-interval'],
    ];
    for (const [input, intervalMs, source] of steps) {
      expect(loadConfig(input).config.scaling.intervalMs).toBe(intervalMs);
      expect(sourceOf(input, 'scaling.interval')).toBe(source);
    }
  });

  it('takes the files of STARLING_CONFIG when no flag names any', () => {
    const a = file('a.yaml', 'member:\n  weight: 2\n');
    const b = file('b.yaml', 'member:\n  weight: 3\n');
    expect(loadConfig({ env: { STARLING_CONFIG: `${a},${b}` } }).config.member.weight).toBe(3);
    expect(loadConfig({ env: { STARLING_CONFIG: b }, files: [a] }).config.member.weight).toBe(2);
  });

  it('counts an empty variable as unset, and leaves service links of Kubernetes alone', () => {
    const env = {
      STARLING_SCALING_INTERVAL: '',
      STARLING_PORT: 'tcp://10.0.0.1:8080',
      STARLING_SERVICE_HOST: '10.0.0.1',
      STARLING_METRICS_PORT_41338_TCP_ADDR: '10.0.0.1',
      STARLING_METRICS_SERVICE_PORT_HTTP: '41338',
    };
    expect(loadConfig({ env }).config).toEqual(loadConfig().config);
  });

  it('has no variable that such a link could overwrite', () => {
    const links = LEAVES.filter(({ env }) => /_(PORT|SERVICE_HOST|SERVICE_PORT)$|_PORT_\d/.test(env));
    expect(links).toEqual([]);
  });

  it('gives every option a variable and a flag of its own', () => {
    const envs = LEAVES.map(({ env }) => env);
    const flags = LEAVES.flatMap((leaf) => leaf.flags);
    expect(new Set(envs).size).toBe(envs.length);
    expect(new Set(flags).size).toBe(flags.length);
  });

  it('takes text as it is written: no guesses about numbers and words', () => {
    const path = file(
      'a.yaml',
      'member:\n  idPrefix: 007\ntelemetry:\n  serviceName: no\ncontrolPlane:\n  dryRun: on\n',
    );
    const { config } = loadConfig({ files: [path], flags: { 'control-plane-auth-scope': '1e3' } });
    expect(config.member.idPrefix).toBe('007');
    expect(config.telemetry.serviceName).toBe('no');
    expect(config.controlPlane.dryRun).toBe(true);
    expect(config.controlPlane.auth.scope).toBe('1e3');
  });

  it('takes lists and pairs as YAML or as text, and replaces them whole', () => {
    const path = file(
      'a.yaml',
      'timeseries:\n  labels:\n    environment: prod\n    zone: "1"\n  profiles:\n    - one\n    - two\n',
    );
    const { timeseries } = loadConfig({ files: [path] }).config;
    expect({ ...timeseries.labels }).toEqual({ environment: 'prod', zone: '1' });
    expect(timeseries.profiles).toEqual(['one', 'two']);
    const over = loadConfig({
      files: [path],
      env: { STARLING_TIMESERIES_LABELS: 'a=b=c', STARLING_TIMESERIES_PROFILES: 'three' },
    });
    expect({ ...over.config.timeseries.labels }).toEqual({ a: 'b=c' });
    expect(over.config.timeseries.profiles).toEqual(['three']);
  });

  it('takes words and numbers with blanks around them', () => {
    const set = ['controlPlane.fencing= plain ', 'timeseries.retries= 3 ', 'controlPlane.dryRun= YES '];
    const { controlPlane, timeseries } = loadConfig({ set }).config;
    expect([controlPlane.fencing, timeseries.retries, controlPlane.dryRun]).toEqual(['plain', 3, true]);
  });

  it('follows anchors', () => {
    const path = file('a.yaml', 'membership:\n  beat: &t 900ms\n  joinWait: *t\n');
    expect(loadConfig({ files: [path] }).config.membership.joinWaitMs).toBe(900);
  });
});

describe('what is wrong', () => {
  it('is reported all at once, each with key, value, place and remedy', () => {
    const path = file('a.yaml', 'scaling:\n  intervall: 15s\n  step: 15\nmember:\n  weight: heavy\n');
    const problems = problemsOf({ files: [path], env: { STARLING_MEMBER_WAIT: '1' }, flags: { 'dry-run': 'maybe' } });
    expect(problems).toEqual([
      expect.objectContaining({
        key: 'scaling.intervall',
        value: '15s',
        source: `${path}:2`,
        mend: 'did you mean scaling.interval?',
      }),
      expect.objectContaining({ key: 'STARLING_MEMBER_WAIT', source: 'environment' }),
      expect.objectContaining({
        key: 'scaling.step',
        value: '15',
        source: `${path}:3`,
        says: expect.stringContaining('with its unit'),
      }),
      expect.objectContaining({ key: 'member.weight', value: 'heavy', source: `${path}:5`, says: 'must be a number' }),
      expect.objectContaining({ key: 'controlPlane.dryRun', value: 'maybe', source: 'flag --dry-run' }),
    ]);
  });

  it('is reported in one text that a terminal can show', () => {
    const path = file('a.yaml', 'member: {idPrefix: "\\e[31mred"}\n');
    expect(() => loadConfig({ files: [path] })).toThrow(
      `One fault in the configuration:\n\n  member.idPrefix = \\u001b[31mred\n    from  ${path}:1\n    fault must be letters`,
    );
  });

  it('is a fault even in a layer that another one overrides', () => {
    const path = file('a.yaml', 'scaling:\n  interval: soon\n');
    expect(problemsOf({ files: [path], env: { STARLING_SCALING_INTERVAL: '15s' } })).toHaveLength(1);
    const input = {
      files: [path, path],
      env: { STARLING_SCALING_INTERVAL: 'later' },
      set: ['scaling.interval=never', 'scaling.interval=1', 'controlPlane.dryRun=perhaps'],
      flags: { 'dry-run': 'maybe', 'control-plane-dry-run': 'true' },
    };
    expect(problemsOf(input).map(({ value, source }) => [value, source])).toEqual([
      ['soon', `${path}:2`],
      ['soon', `${path}:2`],
      ['later', 'environment STARLING_SCALING_INTERVAL'],
      ['never', 'flag --set scaling.interval'],
      ['1', 'flag --set scaling.interval'],
      ['perhaps', 'flag --set controlPlane.dryRun'],
      ['maybe', 'flag --dry-run'],
    ]);
  });

  it('is one fault, whatever lines its value pretends to have', () => {
    const env = {
      STARLING_TIMESERIES_URL: 'x\u2028scaling.interval: y\nscaling.interval: z',
      STARLING_SCALING_INTERVAL: '15s',
    };
    expect(problemsOf({ env }).map(({ key }) => key)).toEqual(['timeseries.url']);
  });

  it('is a value with a colon or a quotation mark too, which is reported as it was written', () => {
    const written = ['http://u:p@host: value was "x"', 'a: b', '"', 'must be: x'];
    for (const value of written) {
      const [problem, ...rest] = problemsOf({ set: [`timeseries.url=${value}`] });
      expect(rest).toEqual([]);
      expect(problem).toMatchObject({ key: 'timeseries.url', value });
      expect(problem?.says).toMatch(
        /^must be (an http:\/\/ or https:\/\/ URL|a URL without user and password.*of their own)$/,
      );
    }
  });

  const cases: [what: string, yaml: string, says: RegExp][] = [
    ['a value that is too small', 'scaling: {interval: 10ms}', /at least 1s/],
    ['a value that is too large', 'controlPlane: {pageSize: 1001}', /at most 1000/],
    ['a word that is not offered', 'store: {cassandra: {consistency: TWO}}', /one of LOCAL_QUORUM/],
    ['a list where one value belongs', 'scaling: {interval: [15s]}', /one value, not a list/],
    ['a map where one value belongs', 'scaling: {interval: {a: b}}', /one duration/],
    ['a value where a group belongs', 'scaling: 15s', /group of options/],
    ['a key without a value', 'scaling:\n  interval:\n', /has no value/],
    ['a password in a URL', 'timeseries: {url: "http://u:p@host"}', /without user and password/],
    ['a password in the store URL', 'store: {url: "cassandra://u:p@host/ks"}', /without user and password/],
    ['another scheme', 'controlPlane: {url: "ftp://host"}', /http:\/\/ or https:\/\//],
    ['a keyspace that none can be', 'store: {url: "cassandra://host/bad-name"}', /keyspace of letters, digits and _/],
    ['a strange parameter of a store', 'store: {url: "cassandra://host/ks?foo=1"}', /dc as its only parameter/],
    ['a host that is none', 'store: {url: "cassandra://ho st/ks"}', /hosts such as node1/],
    ['a strange store', 'store: {url: "mongo://host"}', /cassandra:\/\//],
    ['text that is not YAML', 'a: [', /is not YAML/],
    ['a repeated key', 'member: {weight: 1}\nmember: {weight: 2}', /is not YAML.*unique/],
    ['a scalar for a file', 'hello', /group of options/],
    ['a list for a file', '- scaling\n- store', /group of options/],
    ['a list where a group belongs', 'scaling:\n  - interval: 15s', /group of options/],
    ['an unknown group', 'scalling: {interval: 15s}', /no such option/],
    ['a port beyond all ports', 'http: {admin: "127.0.0.1:70000"}', /host:port/],
    ['a listing that is not one', 'timeseries: {headers: "a"}', /pairs/],
    ['a YAML list of what are no pairs', 'timeseries: {labels: [environment]}', /pairs/],
  ];
  for (const [what, yaml, says] of cases) {
    it(`is ${what}`, () => {
      const [problem, ...rest] = problemsOf({ files: [file('bad.yaml', yaml)] });
      expect(rest).toEqual([]);
      expect(problem?.says).toMatch(says);
      expect(problem?.source).toMatch(/bad\.yaml/);
      expect(problem?.mend).not.toBe('');
    });
  }

  it('is a file that cannot be read', () => {
    expect(problemsOf({ files: [join(directory, 'absent.yaml')] })[0]?.says).toMatch(/there is no such file/);
  });

  it('never pollutes a prototype', () => {
    const path = file(
      'a.yaml',
      '__proto__: {polluted: 1}\nconstructor: {prototype: {polluted: 1}}\nscaling: {__proto__: {polluted: 1}}\n',
    );
    const problems = problemsOf({ files: [path], set: ['__proto__.polluted=1', 'constructor.prototype.polluted=1'] });
    expect(problems).toHaveLength(5);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    const { config } = loadConfig({ flags: { 'timeseries-labels': '__proto__=x' } });
    expect(Object.getPrototypeOf(config.timeseries.labels)).toBeNull();
    expect(Object.keys(config.timeseries.labels)).toEqual(['__proto__']);
  });

  it('is never anything but a ConfigError, whatever the file holds', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          fc.string({ unit: fc.constantFrom('a', ':', ' ', '\n', '-', '&', '*', '{', '[') }),
        ),
        (text) => {
          const path = file('any.yaml', text);
          try {
            loadConfig({ files: [path] });
          } catch (error) {
            expect(error).toBeInstanceOf(ConfigError);
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('secrets', () => {
  it('are refused in files and flags, and never shown', () => {
    const path = file('a.yaml', 'store: {cassandra: {password: canary1}}\n');
    const input = { files: [path], set: ['http.adminToken=canary2'], flags: { 'http-admin-token': 'canary3' } };
    const problems = problemsOf(input);
    expect(problems).toHaveLength(3);
    expect(() => loadConfig(input)).toThrow(/store\.cassandra\.passwordFile/);
    expect(JSON.stringify(problems)).not.toContain('canary');
  });

  it('may come from the environment, with a warning', () => {
    const loaded = loadConfig({ env: { STARLING_HTTP_ADMIN_TOKEN: 'canary4' } });
    expect(loaded.config.http.adminToken.inline?.reveal()).toBe('canary4');
    expect(loaded.warnings).toEqual([expect.stringContaining('http.adminTokenFile')]);
    expect(JSON.stringify(loaded)).not.toContain('canary');
  });

  it('come from the file that a variable names', () => {
    const { config } = loadConfig({ env: { STARLING_STORE_CASSANDRA_PASSWORD_FILE: '/run/secrets/password' } });
    expect(config.store.cassandra.password).toEqual({ file: '/run/secrets/password', inline: undefined });
  });

  it('have one source', () => {
    const env = { STARLING_HTTP_ADMIN_TOKEN: 'x', STARLING_HTTP_ADMIN_TOKEN_FILE: '/x' };
    expect(problemsOf({ env })).toEqual([
      expect.objectContaining({ key: 'http.adminToken', says: expect.stringContaining('twice') }),
    ]);
  });
});

describe('the hash', () => {
  it('differs between configurations, and not by where their values came from', () => {
    const plain = loadConfig();
    expect(loadConfig({ set: ['scaling.interval=15s'] }).hash).toBe(plain.hash);
    expect(loadConfig({ set: ['scaling.interval=16s'] }).hash).not.toBe(plain.hash);
  });

  it('is the same for all members of a fleet, wherever they are', () => {
    const here = loadConfig({ set: ['member.address=http://10.0.0.1:8080', 'member.idPrefix=a'] });
    expect(here.hash).toBe(loadConfig().hash);
    expect(loadConfig({ set: ['member.weight=2'] }).hash).not.toBe(here.hash);
  });
});

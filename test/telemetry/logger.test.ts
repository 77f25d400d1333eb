import { describe, expect, it } from 'vitest';
import { Secret } from '../../src/config/secret.ts';
import { createLogs, type Logs } from '../../src/telemetry/logger.ts';
import { prettyLine } from '../../src/telemetry/pretty-line.ts';
import { RareLog } from '../../src/telemetry/rare-log.ts';
import { HandWoundClock } from '../support/hand-wound-clock.ts';

function catching(level = 'trace'): { logs: Logs; lines: string[]; last: () => Record<string, unknown> } {
  const lines: string[] = [];
  const logs = createLogs({
    level,
    format: 'json',
    version: '1.0.0',
    memberId: 'm',
    destination: { write: (line: string) => void lines.push(line) },
  });
  return { logs, lines, last: () => JSON.parse(lines.at(-1) ?? '{}') as Record<string, unknown> };
}

describe('a log line', () => {
  it('is one JSON object with the level as a word and the time as text', () => {
    const { logs, lines, last } = catching();
    logs.of('store').warn({ bucket: 7, fencingToken: 12345678901234567890n }, 'slow');
    expect(lines).toHaveLength(1);
    expect(lines[0]?.endsWith('}\n')).toBe(true);
    expect(last()).toMatchObject({
      level: 'warn',
      'service.name': 'starling',
      'service.version': '1.0.0',
      'service.instance.id': 'm',
      module: 'store',
      bucket: 7,
      fencingToken: '12345678901234567890',
      msg: 'slow',
    });
    expect(last()['time']).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  });

  it('cannot be split or coloured by text from outside', () => {
    const { logs, lines, last } = catching();
    logs.root.info({ label: 'a\nb\u001b[31m\u009b31m\u2028' }, 'x\r\ny');
    expect(lines).toHaveLength(1);
    expect(lines[0]?.slice(0, -1)).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/);
    expect(last()['label']).toBe('a\nb\u001b[31m\u009b31m\u2028');
  });
});

describe('redaction', () => {
  const canary = 'canary-7f3a';
  const leaks: [string, (logs: Logs) => void][] = [
    ['a field called password', ({ root }) => root.info({ password: canary }, 'm')],
    [
      'a nested field',
      ({ root }) => root.info({ request: { headers: { Authorization: canary, cookie: canary } } }, 'm'),
    ],
    ['a client secret in camel case', ({ root }) => root.info({ clientSecret: canary, accessToken: canary }, 'm')],
    ['a list', ({ root }) => root.info({ all: [{ apiKey: canary }] }, 'm')],
    ['a Secret', ({ root }) => root.info({ value: new Secret(canary), deep: { value: new Secret(canary) } }, 'm')],
    ['a bearer token in a message', ({ root }) => root.info(`answered: Bearer ${canary}`)],
    ['a basic credential in a field', ({ root }) => root.info({ body: `Authorization: Basic ${canary}` }, 'm')],
    ['a password in a URL', ({ root }) => root.info({ url: `http://user:${canary}@host/` }, 'm')],
    ['a token in a query', ({ root }) => root.info({ url: `http://host/?access_token=${canary}&x=1` }, 'm')],
    ['a JSON body', ({ root }) => root.info({ body: `{"client_secret":"${canary}"}` }, 'm')],
    ['an error message', ({ root }) => root.error({ err: new Error(`login failed: password=${canary}`) }, 'm')],
    ['a bare error', ({ root }) => root.error(new Error(`Bearer ${canary}`))],
    ['a cause', ({ root }) => root.error({ err: new Error('outer', { cause: new Error(`token=${canary}`) }) }, 'm')],
    [
      'what a client hangs on its errors',
      ({ root }) =>
        root.error(
          {
            err: Object.assign(new Error('401'), {
              config: { headers: { Authorization: canary } },
              request: { token: canary },
            }),
            token: canary,
          },
          'm',
        ),
    ],
    ['a child', ({ root }) => root.child({ module: 'x' }).warn({ secret: canary }, 'm')],
    ['a format argument', ({ root }) => root.info('got %s', `Bearer ${canary}`)],
  ];
  for (const [what, leak] of leaks) {
    it(`hides ${what}`, () => {
      const { logs, lines } = catching();
      leak(logs);
      expect(lines).toHaveLength(1);
      expect(lines[0]).not.toContain(canary);
      expect(lines[0]).toContain('[redacted]');
    });
  }

  it('leaves fencing tokens visible', () => {
    const { logs, last } = catching();
    logs.root.info({ fencingToken: '17', storedToken: '18', token: 19n, claim: { token: 20 } }, 'fenced');
    expect(last()).toMatchObject({ fencingToken: '17', storedToken: '18', token: '19', claim: { token: 20 } });
  });

  it('keeps the useful fields of an error, and no more', () => {
    const { logs, last } = catching();
    const error = Object.assign(new Error('no answer', { cause: new TypeError('socket hang up') }), {
      kind: 'timeout',
      code: 'ETIMEDOUT',
      status: 504,
      extra: 'x',
    });
    logs.root.error({ err: error }, 'm');
    expect(last()['err']).toMatchObject({
      type: 'Error',
      message: 'no answer',
      kind: 'timeout',
      code: 'ETIMEDOUT',
      status: 504,
      cause: { type: 'TypeError' },
    });
    expect(last()['err']).not.toHaveProperty('extra');
  });

  it('cuts long text', () => {
    const { logs, last } = catching();
    logs.root.error({ err: new Error('x'.repeat(50_000)) }, 'm');
    expect((last()['err'] as { message: string }).message.length).toBeLessThan(1100);
  });
});

describe('levels by module', () => {
  it('sets a level for each module', () => {
    const { logs, lines } = catching('warn,store=debug');
    const store = logs.of('store');
    store.debug('seen');
    logs.of('scaling').info('not seen');
    logs.root.info('not seen');
    expect(lines).toHaveLength(1);
  });

  it('refuses an unknown level', () => {
    expect(() => catching('loud')).toThrow('"loud" is no log level');
  });
});

describe('the readable form', () => {
  it('is readable and escapes control characters', () => {
    const { logs, lines } = catching();
    logs.of('store').error({ bucket: 7, label: '\u001b[2J', err: new Error('boom') }, 'slow\u0007');
    const text = prettyLine(lines[0] ?? '', { isColoured: false });
    expect(text).toMatch(
      /^\d\d:\d\d:\d\d\.\d{3} ERROR \[store\] slow\\u0007 bucket=7 label=\\u001b\[2J\n {4}Error: boom\n/,
    );
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
  });

  it('uses colours only on request', () => {
    const { logs, lines } = catching();
    logs.root.info('x');
    expect(prettyLine(lines[0] ?? '', { isColoured: true })).toContain('\u001b[32m');
  });
});

describe('repeated problems', () => {
  it('are logged once per interval, then with their count', async () => {
    const { logs, lines, last } = catching();
    const clock = new HandWoundClock();
    const rare = new RareLog({ clock, logger: logs.root, everyMs: 60_000 });
    for (let index = 0; index < 5; index += 1)
      rare.write('error', 'store down', { index }, 'the store does not answer');
    expect(lines).toHaveLength(1);
    rare.write('error', 'another', {}, 'something else');
    expect(lines).toHaveLength(2);
    await clock.wind(60_000);
    rare.write('error', 'store down', {}, 'the store does not answer');
    expect(last()).toMatchObject({ repeated: 4, msg: 'the store does not answer' });
    rare.write('error', 'store down', {}, 'held');
    expect(rare.clear('store down')).toBe(1);
    rare.write('error', 'store down', {}, 'new story');
    expect(last()).toMatchObject({ msg: 'new story' });
    expect(last()).not.toHaveProperty('repeated');
  });

  it('are remembered only up to a limit', () => {
    const { logs, lines } = catching();
    const rare = new RareLog({ clock: new HandWoundClock(), logger: logs.root, everyMs: 60_000 });
    for (let index = 0; index < 1001; index += 1) rare.write('warn', `k${index}`, {}, 'm');
    rare.write('warn', 'k0', {}, 'm');
    rare.write('warn', 'k1000', {}, 'm');
    expect(lines).toHaveLength(1002);
  });
});

import pino from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../../../src/adapters/system/clock.ts';
import { systemRandom } from '../../../../src/lib/random.ts';
import { builtins } from '../../../../src/platform/builtin/builtins.ts';
import type { PoolSettings } from '../../../../src/platform/model/function-record.ts';
import { Platform } from '../../../../src/platform/platform.ts';

const POOL: PoolSettings = {
  reuse: 'warm',
  instancesMin: 0,
  instancesMax: 4,
  keepWarm: 0,
  idleTtlMs: 60_000,
  ageMaxMs: undefined,
  usesMax: undefined,
  queueDepth: 64,
};

/** The real thing: every call in a worker process, through pools and router. */
describe('the built-in functions in worker processes', () => {
  let platform: Platform;
  let url: string;

  beforeAll(async () => {
    platform = new Platform({
      dataDir: ':memory:',
      native: { host: '127.0.0.1', port: 0 },
      dialects: [],
      clock: systemClock,
      random: systemRandom,
      logger: pino({ level: 'silent' }),
      version: '0',
    });
    url = (await platform.start())[0]!.url;
    for (const { name, code, launch } of builtins.values()) {
      platform.registry.create({ namespace: 'builtin', name, code, launch, pool: POOL });
    }
  });
  afterAll(() => platform.stop({ graceMs: 0 }));

  async function ask(name: string, event: unknown = {}): Promise<{ status: number; text: string }> {
    const { functionId } = platform.registry.findByName('builtin', name)!;
    const response = await fetch(`${url}/v1/functions/${functionId}/invoke`, {
      method: 'POST',
      body: JSON.stringify(event),
    });
    return { status: response.status, text: await response.text() };
  }

  const busyInstances = () =>
    [...platform.engine.pools.snapshots()].flatMap(({ instances }) => instances.filter(({ state }) => state === 'busy'))
      .length;

  it.each([
    ['fibonacci', { n: 35 }, '{"result":9227465,"n":35}'],
    ['regex', {}, '{"tested":5000,"matches":1667}'],
    ['primes', { limit: 500_000 }, '{"limit":500000,"primes_found":41538}'],
    ['sleep', { ms: 20 }, '{"slept_ms":20}'],
    ['contention', {}, '{"threads":4,"iterations":200,"result":-7160730123352628112}'],
    ['contention', { threads: 8, iterations: 300 }, '{"threads":8,"iterations":300,"result":-3600314368224432112}'],
    ['hash', { input: 'abc', rounds: 5_000 }, /"hash":"4d986335[0-9a-f]+3f4f"/],
    ['transform', {}, /^\{"processed":5000,"filtered":2\d{3}\}$/],
    ['sort', {}, /^\{"sorted":100000,"first":"item-1\d*"\}$/],
    ['matrix', {}, /^\{"dim":120,"checksum":(?:2[89]|3[01])\./],
    ['compress', {}, /^\{"input_bytes":50000,"compressed_bytes":\d{5},"ratio":(?:3[5-9]|4[01])/],
  ])('%s answers as documented for %o', async (name, event, expected) => {
    const { status, text } = await ask(name, event);
    expect(text).toMatch(expected);
    if (typeof expected === 'string') expect(text).toBe(expected);
    expect(status).toBe(200);
  });

  it('fanout runs its children in separate processes, and counts them as calls', async () => {
    const before = platform.registry.findByName('builtin', 'contention')!.activeVersionId!;
    const { status, text } = await ask('fanout', { count: 3, function: 'contention' });
    const child = '{"threads":4,"iterations":200,"result":-7160730123352628112}';
    expect({ status, text }).toEqual({ status: 200, text: `{"fanout":3,"results":[${child},${child},${child}]}` });
    const page = await (await fetch(`${url}/metrics`)).text();
    expect(page).toContain(before);
    expect([...page.matchAll(/invariant_breaches_total\{.*\} (\d+)/g)].map(([, count]) => count)).not.toContain('1');
  });

  it('fanout of an unknown function is an error that says so', async () => {
    const { status, text } = await ask('fanout', { function: 'nobody' });
    expect(status).toBe(500);
    expect(JSON.parse(text).detail).toContain('unknown child function: nobody');
  });

  it('fanout of fanout ends: with the results or, with room for only one instance, with an error in time', async () => {
    const nested = JSON.parse((await ask('fanout', { count: 1, function: 'fanout' })).text);
    expect(nested.results[0].results).toHaveLength(3);
    expect(nested.results[0].results[2]).toMatchObject({ rounds: 1_000 });

    const { activeVersionId } = platform.registry.findByName('builtin', 'fanout')!;
    const { launch } = platform.registry.version(activeVersionId!)!;
    platform.registry.updateVersion(activeVersionId!, {
      launch: { ...launch, timeoutMs: 2_000 },
      pool: { ...POOL, instancesMax: 1 },
    });
    const beganMs = performance.now();
    const stuck = await ask('fanout', { count: 1, function: 'fanout' });
    expect(stuck.status).toBe(500);
    expect(performance.now() - beganMs).toBeLessThan(3_500);
    await expect.poll(() => busyInstances()).toBe(0);
    expect((await ask('fanout', { count: 1 })).status).toBe(200);
  });
});

import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import { builtins } from '../../../src/platform/builtin/builtins.ts';

type Handler = (event?: unknown, context?: unknown) => unknown;

const load = createRequire(import.meta.url);

function handlerOf(name: string): Handler {
  return (load(builtins.get(name)!.file) as { handler: Handler }).handler;
}

// biome-ignore lint/suspicious/noExplicitAny: results are what is being tested, and looked into freely
const run = async (name: string, event?: unknown, context?: unknown): Promise<any> => handlerOf(name)(event, context);

describe('the built-in functions', () => {
  it('D6 are eleven, in the order of the table', () => {
    expect([...builtins.keys()]).toEqual(
      'fibonacci transform hash sort sleep matrix regex compress primes contention fanout'.split(' '),
    );
    for (const [name, builtin] of builtins) expect(builtin).toMatchObject({ name, code: { kind: 'builtin', name } });
  });

  it.each([
    [0, 0],
    [1, 1],
    [10, 55],
    [30, 832040],
    [35, 9227465],
    [36, 14930352],
  ])('D11 fibonacci %i is %i', async (n, result) => {
    expect(await run('fibonacci', { n })).toEqual({ result, n });
  });

  it('D11 fibonacci draws from 35 to 39', async () => {
    const { n, result } = await run('fibonacci');
    expect([9227465, 14930352, 24157817, 39088169, 63245986][n - 35]).toBe(result);
  });

  it.each([1_000, 5_000, 40_000])('D12 transform keeps about half of %i', async (size) => {
    const { processed, filtered } = await run('transform', { size });
    expect(processed).toBe(size);
    expect(Math.abs(filtered - size / 2)).toBeLessThan((5 * Math.sqrt(size)) / 2);
  });

  it.each([
    [1, 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
    [1_000, /^fc8a6b86.*8f99$/],
    [5_000, /^4d986335.*3f4f$/],
    [10_000, /^956667b3.*f4eb$/],
  ])('D13 hash of abc in %i rounds', async (rounds, hash) => {
    const result = await run('hash', { rounds, input: 'abc' });
    expect(result).toEqual({ rounds, hash: expect.stringMatching(hash) });
  });

  it('D13 hash takes another input each time, and 10,000 rounds', async () => {
    const [one, other] = [await run('hash'), await run('hash')];
    expect(one.rounds).toBe(10_000);
    expect(one.hash).toMatch(/^[0-9a-f]{64}$/);
    expect(one.hash).not.toBe(other.hash);
  });

  it('D14 sort gives the least of its items', async () => {
    const { sorted, first } = await run('sort', { size: 20_000 });
    expect(sorted).toBe(20_000);
    // Of so many numbers below 2^31 written out, the first in the order of letters begins with a 1.
    expect(first).toMatch(/^item-1\d*$/);
    expect((await run('sort', {})).sorted).toBe(100_000);
  });

  it('D15 sleep waits at least as long as it says', async () => {
    const beganMs = performance.now();
    expect(await run('sleep', { ms: 57 })).toEqual({ slept_ms: 57 });
    expect(performance.now() - beganMs).toBeGreaterThanOrEqual(57);
    const drawn = (await run('sleep')).slept_ms;
    expect(drawn).toBeGreaterThanOrEqual(100);
    expect(drawn).toBeLessThanOrEqual(299);
  });

  it('D16 matrix has a mean of a quarter of its size', async () => {
    const { dim, checksum } = await run('matrix');
    expect(dim).toBe(120);
    expect(Math.abs(checksum - 30)).toBeLessThan(2);
    const one = await run('matrix', { dim: 1 });
    expect(one.checksum).toBeGreaterThan(0);
    expect(one.checksum).toBeLessThan(1);
  });

  it.each([
    [undefined, 5_000, 1_667],
    [10_000, 10_000, 3_334],
    [1, 1, 1],
    [0, 0, 0],
  ])('D17 regex finds every third of %s', async (count, tested, matches) => {
    expect(await run('regex', count === undefined ? {} : { count })).toEqual({ tested, matches });
  });

  it('D18 compress saves what letters of 26 kinds allow', async () => {
    const { input_bytes, compressed_bytes, ratio } = await run('compress');
    expect(input_bytes).toBe(50_000);
    expect(ratio).toBe(Math.round((1 - compressed_bytes / 50_000) * 10_000) / 100);
    expect(ratio).toBeGreaterThan(35);
    // Nothing can save more than 1 - log2(26) / 8.
    expect(ratio).toBeLessThan(41.3);
  });

  it.each([
    [undefined, 200_000, 17_984],
    [500_000, 500_000, 41_538],
    [100, 100, 25],
    [2, 2, 1],
    [1, 1, 0],
    [0, 0, 0],
  ])('D19 primes up to %s', async (limit, told, primes_found) => {
    expect(await run('primes', limit === undefined ? {} : { limit })).toEqual({ limit: told, primes_found });
  });

  it.each([
    [undefined, '{"threads":4,"iterations":200,"result":-7160730123352628112}'],
    [{ threads: 8, iterations: 300 }, '{"threads":8,"iterations":300,"result":-3600314368224432112}'],
    [{ threads: 1, iterations: 1 }, '{"threads":1,"iterations":1,"result":-2511502294851312}'],
  ])('D20, D22 contention of %o adds up to the last of 64 bits', async (event, text) => {
    expect(JSON.stringify(await run('contention', event))).toBe(text);
  });

  it('D21 fanout gives each child 1,000 rounds, and its results in order', async () => {
    const asked: unknown[] = [];
    const invoke = async (...given: unknown[]) => `{"child":${asked.push(given)}}`;
    expect(await run('fanout', { count: 2, function: 'primes' }, { invoke })).toEqual({
      fanout: 2,
      results: [{ child: 1 }, { child: 2 }],
    });
    expect(asked).toEqual(Array.from({ length: 2 }, () => ['primes', { rounds: 1_000 }, { as: 'text' }]));
    expect((await run('fanout', {}, { invoke })).fanout).toBe(3);
    expect(asked.slice(2).map((given) => (given as unknown[])[0])).toEqual(['hash', 'hash', 'hash']);
  });

  it('D21, D22 fanout passes on every digit, and says which child nobody knows', async () => {
    const exact = async () => '{"result":-7160730123352628112,"half":0.5}';
    expect(JSON.stringify(await run('fanout', { count: 1 }, { invoke: exact }))).toBe(
      '{"fanout":1,"results":[{"result":-7160730123352628112,"half":0.5}]}',
    );
    const invoke = () => Promise.reject(Object.assign(new Error('no'), { code: 'function-unknown' }));
    await expect(run('fanout', { function: 'nobody' }, { invoke })).rejects.toThrow('unknown child function: nobody');
    const broken = () => Promise.reject(new Error('the child broke'));
    await expect(run('fanout', {}, { invoke: broken })).rejects.toThrow('the child broke');
  });

  it.each([
    ['fibonacci', { n: '35' }, 'n must be a whole number from 0 to 78'],
    ['fibonacci', { n: 1.5 }, 'n must be a whole number'],
    ['hash', { rounds: 0 }, 'rounds must be'],
    ['hash', { input: 7 }, 'input must be a string'],
    ['matrix', { dim: -1 }, 'dim must be'],
    ['sleep', { ms: Number.NaN }, 'ms must be'],
    ['contention', { threads: 1_000 }, 'threads must be a whole number from 1 to 32'],
    ['primes', [], 'the parameters must be a JSON object'],
    ['sort', 'text', 'the parameters must be a JSON object'],
    ['fanout', { function: { name: 'hash' } }, 'function must be a string'],
  ])('D28 %s refuses %o at once', async (name, event, message) => {
    await expect(run(name, event)).rejects.toThrow(message);
  });
});

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../../../support/member-process.ts';
import { isAlive, RunningPlatform } from '../../../support/platform/running-platform.ts';
import { shell } from './shell.ts';

/** SHA-256 over and over of random input: only its shape is known. */
const DIGEST = /^[0-9a-f]{64}$/;
const FIBONACCI: Readonly<Record<number, number>> = {
  35: 9227465,
  36: 14930352,
  37: 24157817,
  38: 39088169,
  39: 63245986,
};

const folders: string[] = [];

async function startServer(environment: Readonly<Record<string, string>>): Promise<RunningPlatform> {
  const dataDir = mkdtempSync(join(tmpdir(), 'starling-faas-'));
  folders.push(dataDir);
  return RunningPlatform.start({ dataDir, flags: ['--faas-server', '127.0.0.1:0'], environment });
}

function urlOf(platform: RunningPlatform): string {
  return platform.urls['faas-server'] ?? '';
}

/** What stands in front of `{` on the page of this server. */
async function metric(platform: RunningPlatform, series: string): Promise<number> {
  const page = await (await fetch(`${urlOf(platform)}/metrics`)).text();
  const line = page.split('\n').find((each) => each.startsWith(`${series} `));
  return Number(line?.split(' ')[1] ?? Number.NaN);
}

async function noInstances(platform: RunningPlatform): Promise<void> {
  await until('no instance lives', 10_000, async () => (await platform.instances()).length === 0);
}

afterAll(() => {
  for (const each of folders) rmSync(each, { recursive: true, force: true });
});

describe('the documented commands, unchanged, without a warm pool', () => {
  let server: RunningPlatform;
  // biome-ignore lint/suspicious/noExplicitAny: answers are what is being tested, and looked into freely
  const json = async (script: string): Promise<any> => JSON.parse(await shell(script, urlOf(server)));

  beforeAll(async () => {
    server = await startServer({});
  });
  afterAll(() => server.process.stop());
  afterEach(() => noInstances(server));

  it('health', async () => {
    expect(await shell('curl http://localhost:8088/health', urlOf(server))).toBe('OK');
  });

  it('fibonacci', async () => {
    const { n, result, latency_ms } = await json('curl -X POST http://localhost:8088/fn/invoke/fibonacci');
    expect(result).toBe(FIBONACCI[n]);
    expect(latency_ms).toBeGreaterThan(0);
  });

  it('hash', async () => {
    const reply = await json(`curl -X POST http://localhost:8088/fn/invoke/hash \\
  -H "Content-Type: application/json" \\
  -d '{"rounds": 5000}'`);
    expect(reply).toEqual({ rounds: 5000, hash: expect.stringMatching(DIGEST), latency_ms: expect.any(Number) });
    const known = await json(`curl -X POST http://localhost:8088/fn/invoke/hash -d '{"rounds": 5000, "input": "abc"}'`);
    expect(known.hash).toMatch(/^4d986335.*3f4f$/);
  });

  it('matrix', async () => {
    const { dim, checksum } = await json(`curl -X POST http://localhost:8088/fn/invoke/matrix \\
  -H "Content-Type: application/json" \\
  -d '{"dim": 150}'`);
    expect(dim).toBe(150);
    expect(checksum).toBeGreaterThan(0);
    expect(checksum).toBeLessThan(150);
  });

  it('primes', async () => {
    const reply = await json(`curl -X POST http://localhost:8088/fn/invoke/primes \\
  -H "Content-Type: application/json" \\
  -d '{"limit": 500000}'`);
    expect(reply).toMatchObject({ limit: 500000, primes_found: 41538 });
  });

  it('compress', async () => {
    const { input_bytes, compressed_bytes, ratio } =
      await json(`curl -X POST http://localhost:8088/fn/invoke/compress \\
  -H "Content-Type: application/json" \\
  -d '{"size": 100000}'`);
    expect(input_bytes).toBe(100000);
    expect(ratio).toBeGreaterThan(35);
    expect(ratio).toBeCloseTo(100 - (100 * compressed_bytes) / input_bytes, 1);
  });

  it('regex', async () => {
    const reply = await json(`curl -X POST http://localhost:8088/fn/invoke/regex \\
  -H "Content-Type: application/json" \\
  -d '{"count": 10000}'`);
    expect(reply).toMatchObject({ tested: 10000, matches: 3334 });
  });

  it('contention, with a result beyond the exact numbers of JavaScript', async () => {
    const text = await shell(
      `curl -X POST http://localhost:8088/fn/invoke/contention \\
  -H "Content-Type: application/json" \\
  -d '{"threads": 8, "iterations": 300}'`,
      urlOf(server),
    );
    expect(text).toMatch(/^\{"threads":8,"iterations":300,"result":-3600314368224432112,"latency_ms":[0-9.]+\}$/);
  });

  it('bursts', { timeout: 120_000 }, async () => {
    const deployed = () => metric(server, 'faas_deployed_total{function="hash"}');
    const before = await deployed();
    const hashes = await json('curl -X POST "http://localhost:8088/fn/burst/hash?count=10"');
    expect(hashes).toMatchObject({ function: 'hash', count: 10, total_ms: expect.any(Number) });
    expect(new Set(hashes.results.map(({ hash }: { hash: string }) => hash)).size).toBe(10);
    expect((await deployed()) - before).toBe(10);
    const primes = await json('curl -X POST "http://localhost:8088/fn/burst/primes?count=5"');
    expect(primes.results).toEqual(Array(5).fill({ limit: 200000, primes_found: 17984 }));
    expect((await json('curl -X POST "http://localhost:8088/fn/burst/matrix?count=3"')).results.length).toBe(3);
  });

  it('chains', async () => {
    const first = await json(`curl -X POST http://localhost:8088/fn/chain \\
  -H "Content-Type: application/json" \\
  -d '{"chain": ["hash", "sort", "fibonacci"], "params": {}}'`);
    expect(first.chain_length).toBe(3);
    expect(first.steps.map((step: { function: string }) => step.function)).toEqual(['hash', 'sort', 'fibonacci']);
    expect(first.steps[1].result).toMatchObject({ sorted: 100000, first: expect.stringMatching(/^item-/) });
    const second = await json(`curl -X POST http://localhost:8088/fn/chain \\
  -H "Content-Type: application/json" \\
  -d '{"chain": ["regex", "compress", "primes"], "params": {}}'`);
    expect(second.error).toBeUndefined();
    expect(second.steps[0].result).toEqual({ tested: 5000, matches: 1667 });
    const took = second.steps.reduce((sum: number, step: { latency_ms: number }) => sum + step.latency_ms, 0);
    expect(second.total_ms).toBeGreaterThanOrEqual(Math.floor(took));
  });

  it('fan-out, whose children are deployed in parallel', async () => {
    const before = await metric(server, 'faas_deployed_total{function="hash"}');
    const reply = await json(`curl -X POST http://localhost:8088/fn/invoke/fanout \\
  -H "Content-Type: application/json" \\
  -d '{"count": 5, "function": "hash"}'`);
    expect(reply).toMatchObject({ fanout: 5, latency_ms: expect.any(Number) });
    expect(reply.results).toEqual(Array(5).fill({ rounds: 1000, hash: expect.stringMatching(DIGEST) }));
    expect((await metric(server, 'faas_deployed_total{function="hash"}')) - before).toBe(5);
    const sleepers = await json(
      `curl -X POST http://localhost:8088/fn/invoke/fanout -d '{"count": 4, "function": "contention"}'`,
    );
    expect(sleepers.results.length).toBe(4);
    const unknown = await shell(
      `curl -s -w ' %{http_code}' -X POST http://localhost:8088/fn/invoke/fanout -d '{"function": "nothing"}'`,
      urlOf(server),
    );
    expect(unknown).toBe('{"error":"unknown child function: nothing"} 500');
  });

  it('a fan-out of fan-outs ends, and leaves nothing behind', { timeout: 120_000 }, async () => {
    // Each child fans out into three hashes: four parents and twelve children at once.
    const reply = await json(
      `curl -X POST http://localhost:8088/fn/invoke/fanout -d '{"count": 4, "function": "fanout"}'`,
    );
    expect(reply.error ?? reply.results.map(({ fanout }: { fanout: number }) => fanout)).toEqual([3, 3, 3, 3]);
  });

  it('list', async () => {
    const { functions } = await json('curl http://localhost:8088/fn/list');
    expect([functions.length, functions[0], functions[10]]).toEqual([11, 'fibonacci', 'fanout']);
  });

  it('stats, without the children of fan-outs and bursts', async () => {
    const stats = await json('curl http://localhost:8088/fn/stats');
    expect(Object.keys(stats).length).toBe(11);
    // Two calls by hand and one step of a chain.
    expect(stats.hash.invocations).toBe(3);
    expect(stats.primes.invocations).toBe(2);
    expect(stats.contention.invocations).toBe(1);
    expect(stats.hash.avg_latency_ms).toBeGreaterThan(0);
  });

  it('a warm pool, which calls do not use', async () => {
    const made = await json('curl -X POST "http://localhost:8088/fn/warmpool/hash?size=5"');
    expect(made).toEqual({ function: 'hash', pool_size: 5, deployed: 5 });
    const before = await metric(server, 'faas_deployed_total{function="hash"}');
    expect('warm' in (await json('curl -X POST http://localhost:8088/fn/invoke/hash'))).toBe(false);
    expect((await metric(server, 'faas_deployed_total{function="hash"}')) - before).toBe(1);
    const deleted = await json('curl -X DELETE http://localhost:8088/fn/warmpool/hash');
    expect(deleted).toEqual({ function: 'hash', undeployed: 5 });
  });

  it('a parameter of the wrong type is an error at once', async () => {
    const beganMs = Date.now();
    const text = await shell(
      `curl -s -w ' %{http_code}' -X POST http://localhost:8088/fn/invoke/fibonacci -d '{"n": "many"}'`,
      urlOf(server),
    );
    expect(text).toMatch(/^\{"error":".*\bn\b.*"\} 500$/);
    expect(Date.now() - beganMs).toBeLessThan(10_000);
  });

  it('a caller that disconnects leaves no instance behind', async () => {
    await shell(
      `curl -s -m 0.5 -X POST http://localhost:8088/fn/invoke/sleep -d '{"ms": 20000}' || test $? -eq 28`,
      urlOf(server),
    );
  });

  it('the metrics include the processor time of functions', async () => {
    const before = await metric(server, 'process_cpu_seconds_total');
    await json(`curl -X POST http://localhost:8088/fn/invoke/fibonacci -d '{"n": 37}'`);
    await noInstances(server);
    expect((await metric(server, 'process_cpu_seconds_total')) - before).toBeGreaterThan(0.1);
  });

  it('the documented measuring loop', async () => {
    const told = await shell(
      String.raw`for i in $(seq 1 10); do
  curl -w "%{time_total}\n" -s -o /dev/null \
    -X POST http://localhost:8088/fn/invoke/hash \
    -H "Content-Type: application/json" -d '{"rounds": 5000}'
done 2>&1 | awk '{sum+=$1; n++} END {print "avg:", sum/n, "sec"}'`,
      urlOf(server),
    );
    expect(told).toMatch(/^avg: 0\.\d+ sec\n$/);
  });
});

describe('the documented walk-through, with OPTIMIZED=true', () => {
  let server: RunningPlatform;

  beforeAll(async () => {
    server = await startServer({ OPTIMIZED: 'True' });
  });
  afterAll(() => server.process.stop());

  it('all ten functions at once, a burst, a fan-out, a warm pool under twenty calls, and its end', {
    timeout: 120_000,
  }, async () => {
    const told = await shell(
      `for fn in fibonacci transform hash sort sleep matrix regex compress primes contention; do
  curl -s -X POST http://localhost:8088/fn/invoke/$fn &
done
wait
curl -X POST http://localhost:8088/fn/invoke/contention \\
  -H "Content-Type: application/json" \\
  -d '{"threads": 8, "iterations": 300}'
curl -X POST "http://localhost:8088/fn/burst/hash?count=10"
curl -X POST http://localhost:8088/fn/invoke/fanout \\
  -H "Content-Type: application/json" \\
  -d '{"count": 5, "function": "primes"}'`,
      urlOf(server),
    );
    expect(told).not.toContain('"error"');
    expect(told).not.toContain('"warm"');
    expect(told.match(/"latency_ms"/g)?.length).toBe(12);
    expect(told.match(/"primes_found":17984/g)?.length).toBe(6);

    const pool = JSON.parse(
      await shell('curl -X POST "http://localhost:8088/fn/warmpool/fibonacci?size=10"', urlOf(server)),
    );
    // Eight instances for each processor, whatever is asked for.
    expect(pool).toEqual({ function: 'fibonacci', pool_size: pool.deployed, deployed: pool.deployed });
    expect(pool.deployed).toBeGreaterThanOrEqual(8);
    const calls = await shell(
      `for i in $(seq 1 20); do
  curl -s -X POST http://localhost:8088/fn/invoke/fibonacci &
done
wait`,
      urlOf(server),
    );
    expect(calls).not.toContain('"error"');
    expect(calls.match(/"warm":true/g)?.length).toBeGreaterThanOrEqual(pool.deployed);
    const deleted = await shell('curl -X DELETE http://localhost:8088/fn/warmpool/fibonacci', urlOf(server));
    expect(JSON.parse(deleted)).toEqual({ function: 'fibonacci', undeployed: pool.deployed });
    await noInstances(server);
  });

  it('every cold call includes the cost of a deployment, and no warm call does', async () => {
    const times = async () => {
      const latencies: number[] = [];
      for (let call = 0; call < 9; call += 1) {
        const body = JSON.stringify({ rounds: 1 });
        const reply = await fetch(`${urlOf(server)}/fn/invoke/hash`, { method: 'POST', body });
        latencies.push(((await reply.json()) as { latency_ms: number }).latency_ms);
      }
      return latencies.sort((a, b) => a - b)[4]!;
    };
    const cold = await times();
    await shell('curl -s -X POST "http://localhost:8088/fn/warmpool/hash?size=1"', urlOf(server));
    const warm = await times();
    await shell('curl -s -X DELETE http://localhost:8088/fn/warmpool/hash', urlOf(server));
    // A process has to be started; a warm call is a round trip.
    expect(cold).toBeGreaterThan(4 * warm);
  });

  it('leaves no process behind when it is killed', async () => {
    await shell('curl -s -X POST "http://localhost:8088/fn/warmpool/sleep?size=2"', urlOf(server));
    const pids = (await server.instances()).map(({ pid }) => pid);
    expect(pids.length).toBe(2);
    server.process.kill('SIGKILL');
    await until('they have ended', 10_000, () => !pids.some(isAlive));
  });
});

describe('the port', () => {
  it('is 8088 on loopback by default, and may be left out', async () => {
    const { DIALECTS } = await import('../../../../src/wiring/platform-dialects.ts');
    expect(DIALECTS.find(({ name }) => name === 'faas-server')).toMatchObject({ port: 8088 });
    const dataDir = mkdtempSync(join(tmpdir(), 'starling-faas-'));
    folders.push(dataDir);
    const without = await RunningPlatform.start({ dataDir });
    expect('faas-server' in without.urls).toBe(false);
    await without.process.stop();
  });
});

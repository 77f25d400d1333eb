import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import pino from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../../../src/adapters/system/clock.ts';
import { systemRandom } from '../../../../src/lib/random.ts';
import { builtins } from '../../../../src/platform/builtin/builtins.ts';
import type { PoolSettings } from '../../../../src/platform/model/function-record.ts';
import { Platform } from '../../../../src/platform/platform.ts';
import type { ProfilingSettings } from '../../../../src/platform/profiling/open-profiling.ts';
import { type ReadProfile, readPprof, topOf } from '../../../platform/profiling/read-pprof.ts';

const POOL: PoolSettings = {
  reuse: 'warm',
  instancesMin: 0,
  instancesMax: 1,
  keepWarm: 0,
  idleTtlMs: 60_000,
  ageMaxMs: undefined,
  usesMax: undefined,
  queueDepth: 64,
};

async function start(profiling: ProfilingSettings | undefined, pool: PoolSettings = POOL) {
  const platform = new Platform({
    dataDir: ':memory:',
    native: { host: '127.0.0.1', port: 0 },
    dialects: [],
    clock: systemClock,
    random: systemRandom,
    logger: pino({ level: 'silent' }),
    version: '0',
    profiling,
  });
  const { url } = (await platform.start())[0]!;
  const ids = new Map(
    [...builtins.values()].map(({ name, code, launch }) => [
      name,
      platform.registry.create({ namespace: 'builtin', name, code, launch, pool }).record.functionId,
    ]),
  );
  const call = async (name: string, event: unknown = {}) => {
    const response = await fetch(`${url}/v1/functions/${ids.get(name)}/invoke`, {
      method: 'POST',
      body: JSON.stringify(event),
    });
    if (response.status !== 200) throw new Error(`${name}: ${await response.text()}`);
    return response.text();
  };
  const take = async (what: string) => {
    const response = await fetch(`${url}/debug/pprof/${what}`);
    const bytes = Buffer.from(await response.arrayBuffer());
    if (response.status !== 200) throw new Error(`${response.status} ${bytes}`);
    return bytes;
  };
  /** A profile, with the calls going on all the while. */
  const during = async (what: string, work: () => Promise<unknown>): Promise<ReadProfile> => {
    let isTaken = false;
    const taken = take(what).finally(() => {
      isTaken = true;
    });
    while (!isTaken) await work();
    return readPprof(await taken);
  };
  return { platform, url, call, take, during };
}

const ofFunction = (profile: ReadProfile, name: string): ReadProfile => ({
  ...profile,
  samples: profile.samples.filter(({ labels }) => labels['function'] === name),
});
const shareOf = (profile: ReadProfile, isIn: (names: readonly string[]) => boolean) => {
  const sum = (samples: ReadProfile['samples']) => samples.reduce((total, { values }) => total + values[1]!, 0);
  return sum(profile.samples.filter(({ names }) => isIn(names))) / sum(profile.samples);
};

describe('profiles of the platform and its functions', () => {
  let running: Awaited<ReturnType<typeof start>>;
  beforeAll(async () => {
    running = await start({ types: ['cpu', 'wall', 'alloc', 'lock'] });
    for (const name of builtins.keys()) if (name !== 'fanout') await running.call(name);
  });
  afterAll(() => running.platform.stop({ graceMs: 0 }));

  it.each([
    ['fibonacci', { n: 27 }, ['fibonacci']],
    // Once V8 has made one piece of the handler and what it calls, the handler has the work itself.
    ['matrix', { dim: 400 }, ['multiply', 'exports.handler']],
    ['regex', { count: 100_000 }, ['exports.handler']],
    ['primes', { limit: 1_000_000 }, ['countPrimes']],
  ])('CPU: the work of %s is at the top', async (name, event, hot) => {
    const { during, call } = running;
    const profile = await during(`profile?seconds=1&function=${name}`, () => call(name, event));
    expect(profile.kinds).toEqual(['samples/count', 'cpu/nanoseconds']);
    expect(profile.period).toBe(10_000_000);
    expect(profile.durationNanos).toBeGreaterThan(0.9e9);
    expect(profile.samples.every(({ labels }) => labels['function'] === name)).toBe(true);
    expect(profile.samples.every(({ names }) => names.at(-1) === `function ${name}`)).toBe(true);
    expect(
      shareOf(profile, ([top = '', ...below]) => hot.includes(top) || below.includes(hot[0] ?? '')),
      JSON.stringify(topOf(profile)),
    ).toBeGreaterThan(0.5);
    const file = profile.samples.flatMap(({ stack }) => stack).find((frame) => hot.includes(frame.split(' ')[0] ?? ''));
    expect(file).toMatch(new RegExp(`/builtin/functions/${name}\\.cjs:\\d+$`));
  });

  it('sleep shows in wall time, as waiting, and not in CPU', async () => {
    const { during, call } = running;
    // Long sleeps: a busy machine loses time between calls, and this is not about what a call costs.
    const [wall, cpu] = await Promise.all([
      during('wall?seconds=1&process=function', () => call('sleep', { ms: 200 })),
      during('profile?seconds=1&process=function', () => call('sleep', { ms: 200 })),
    ]);
    const [[first, waitedNs] = ['', 0]] = topOf(ofFunction(wall, 'sleep'));
    expect(first).toBe('(waiting)');
    expect(waitedNs).toBeGreaterThan(0.5e9);
    const ran = topOf(ofFunction(cpu, 'sleep')).reduce((sum, [, ns]) => sum + ns, 0);
    expect(ran).toBeLessThan(waitedNs / 3);
  });

  it('allocation: transform shows what allocates its bytes', async () => {
    const { during, call } = running;
    const profile = await during('allocs?seconds=1', () => call('transform', { size: 20_000 }));
    expect(profile.kinds[1]).toBe('alloc_space/bytes');
    const ours = ofFunction(profile, 'transform');
    expect(topOf(ours).reduce((sum, [, bytes]) => sum + bytes, 0)).toBeGreaterThan(10 * 2 ** 20);
    expect(shareOf(ours, (names) => names.some((name) => /handler|generateRecords/.test(name)))).toBeGreaterThan(0.5);
  });

  it('lock: contention shows its threads at the lock, and its callers in front of the one instance', async () => {
    const { during, call } = running;
    const work = () => Promise.all([1, 2].map(() => call('contention', { threads: 4, iterations: 400 })));
    const profile = await during('mutex?seconds=2', work);
    expect(profile.kinds).toEqual(['contentions/count', 'delay/nanoseconds']);
    const tops = new Map(topOf(ofFunction(profile, 'contention')));
    expect(tops.get('Atomics.wait')).toBeGreaterThan(10e6);
    expect(tops.get('(waiting for an instance)')).toBeGreaterThan(100e6);
    const lock = profile.samples.find(({ names }) => names[0] === 'Atomics.wait');
    expect(lock?.names.slice(0, 3)).toEqual(['Atomics.wait', 'takeLock', 'runThread']);
  });

  it('CPU: contention shows its threads at work', async () => {
    const { during, call } = running;
    const work = () => call('contention', { threads: 4, iterations: 400 });
    const profile = await during('profile?seconds=2&function=contention', work);
    expect(shareOf(profile, (names) => names[0] === 'churn')).toBeGreaterThan(0.3);
  });

  it('shows the platform itself', async () => {
    const { during, call } = running;
    const work = () => Promise.all([1, 2, 3].map(() => call('primes', { limit: 1 })));
    const profile = await during('profile?seconds=1&process=platform', work);
    expect(profile.samples.every(({ names }) => names.at(-1) === 'platform')).toBe(true);
    expect(shareOf(profile, (names) => names.includes('invoke'))).toBeGreaterThan(0);
  });

  it('can be read by go tool pprof', async ({ skip }) => {
    if (spawnSync('go', ['version']).error) skip('there is no go here');
    const { take, call } = running;
    const folder = mkdtempSync(path.join(tmpdir(), 'starling-test-'));
    try {
      const [bytes] = await Promise.all([take('profile?seconds=1'), call('fibonacci', { n: 36 })]);
      const file = path.join(folder, 'cpu.pb.gz');
      writeFileSync(file, bytes);
      const top = execFileSync('go', ['tool', 'pprof', '-top', file], {
        encoding: 'utf8',
        env: { ...process.env, PPROF_TMPDIR: folder },
      });
      expect(top).toContain('Type: cpu');
      // The first line of the table.
      expect(top.split('\n').find((line) => /^ +[\d.]+m?s +/.test(line))).toMatch(/ fibonacci$/);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it.each([
    ['profile?seconds=0', 400, 'seconds must be a whole number from 1 to 300'],
    ['profile?seconds=301', 400, 'seconds must be'],
    ['profile?seconds=1e3', 400, 'seconds must be'],
    ['wall?process=other', 400, 'process must be platform or function'],
    ['trace', 404, 'there is no such profile'],
    ['__proto__', 404, 'there is no such profile'],
  ])('answers %s with %i', async (what, status, text) => {
    const response = await fetch(`${running.url}/debug/pprof/${what}`);
    expect(response.status).toBe(status);
    expect(await response.text()).toContain(text);
  });

  it('lists the profiles, and how the platform was started', async () => {
    const index = await fetch(`${running.url}/debug/pprof/`);
    expect(index.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect((await index.text()).match(/href="[^"]+"/g)).toHaveLength(6);
    expect((await (await fetch(`${running.url}/debug/pprof/cmdline`)).text()).split('\0')[0]).toBe(process.execPath);
    expect((await fetch(`${running.url}/debug/pprof/profile`, { method: 'POST' })).status).toBe(405);
  });

  it('stops recording when the client disconnects', async () => {
    const ask = async () => {
      const gone = new AbortController();
      const asked = fetch(`${running.url}/debug/pprof/profile?seconds=60`, { signal: gone.signal });
      setTimeout(() => gone.abort(), 30);
      return asked.then(
        ({ status }) => status,
        () => 'gone',
      );
    };
    // More of them than may be taken at once: each gives its place back, as soon as what it recorded is put away.
    const seen: unknown[] = [];
    while (seen.filter((each) => each === 'gone').length < 10) seen.push(await ask());
    expect(seen.filter((each) => each !== 'gone' && each !== 429)).toEqual([]);
    await expect
      .poll(async () => (await fetch(`${running.url}/debug/pprof/profile?seconds=1`)).status, { timeout: 20_000 })
      .toBe(200);
    expect(readPprof(await running.take('wall?seconds=1')).kinds[1]).toBe('wall/nanoseconds');
  });
});

describe('without --profile', () => {
  it('there are no pages, and none for types that are left out', async () => {
    const without = await start(undefined);
    const cpuAlone = await start({ types: ['cpu'] });
    try {
      expect((await fetch(`${without.url}/debug/pprof/`)).status).toBe(404);
      expect((await fetch(`${cpuAlone.url}/debug/pprof/mutex?seconds=1`)).status).toBe(404);
    } finally {
      await Promise.all([without, cpuAlone].map(({ platform }) => platform.stop({ graceMs: 0 })));
    }
  });
});

describe('functions that end after each call', () => {
  it('are profiled too, with the start of their processes', async () => {
    const { platform, during, call } = await start({ types: ['cpu'] }, { ...POOL, reuse: 'never' });
    try {
      const profile = await during('profile?seconds=2', () => call('fibonacci', { n: 30 }));
      expect(shareOf(ofFunction(profile, 'fibonacci'), (names) => names.includes('fibonacci'))).toBeGreaterThan(0.05);
      expect(profile.samples.some(({ names }) => names.includes('spawn') && names.at(-1) === 'platform')).toBe(true);
    } finally {
      await platform.stop({ graceMs: 0 });
    }
  });
});

describe('pushing to Pyroscope', () => {
  it('sends every type window by window, keeps profiles while the server is down, and sends the last at the end', async () => {
    const taken: { query: URLSearchParams; profile: ReadProfile; config: Record<string, unknown>; tenant: unknown }[] =
      [];
    let isAway = true;
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', async () => {
        if (isAway) {
          response.writeHead(503).end('away');
          return;
        }
        const { pathname, searchParams } = new URL(request.url ?? '', 'http://x');
        if (request.method !== 'POST' || pathname !== '/base/ingest') {
          response.writeHead(404).end();
          return;
        }
        const headers = { 'content-type': String(request.headers['content-type']) };
        const form = await new Response(Buffer.concat(chunks), { headers }).formData();
        taken.push({
          query: searchParams,
          profile: readPprof(new Uint8Array(await (form.get('profile') as File).arrayBuffer())),
          config: JSON.parse(await (form.get('sample_type_config') as File).text()),
          tenant: [request.headers['x-scope-orgid'], request.headers.authorization],
        });
        response.writeHead(200).end();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/base`;
    const { platform, call } = await start({
      types: ['cpu', 'wall', 'alloc', 'lock'],
      windowMs: 500,
      pyroscope: {
        url: address,
        application: 'an-app',
        labels: { env: 'a "b"' },
        token: 'secret',
        tenant: 'us',
        attempts: 1,
      },
    });
    try {
      const endMs = performance.now() + 1_200;
      while (performance.now() < endMs) await call('fibonacci', { n: 27 });
      expect(taken).toEqual([]);
      isAway = false;
      while (taken.length < 8) await call('contention', { threads: 4, iterations: 400 });
      const before = taken.length;
      await call('primes', { limit: 5_000_000 });
      await platform.stop({ graceMs: 2_000 });
      expect(taken.length).toBeGreaterThan(before);
      const kinds = new Set(taken.map(({ profile }) => profile.kinds[1]));
      expect([...kinds].sort()).toEqual([
        'alloc_space/bytes',
        'cpu/nanoseconds',
        'delay/nanoseconds',
        'wall/nanoseconds',
      ]);
      const cpu = taken.filter(({ profile }) => profile.kinds[1] === 'cpu/nanoseconds');
      expect(cpu.some(({ profile }) => topOf(profile).some(([name]) => name === 'fibonacci'))).toBe(true);
      expect(cpu.some(({ profile }) => topOf(profile).some(([name]) => name === 'countPrimes'))).toBe(true);
      for (const { query, config, profile, tenant } of taken) {
        expect(query.get('name')).toBe('an-app{env=a _b_}');
        expect(query.get('format')).toBe('pprof');
        expect(Number(query.get('until'))).toBeGreaterThanOrEqual(Number(query.get('from')));
        expect(Math.abs(Number(query.get('from')) - Date.now() / 1_000)).toBeLessThan(120);
        expect(Object.keys(config)).toEqual(profile.kinds.map((kind) => kind.split('/')[0]));
        expect(tenant).toEqual(['us', 'Bearer secret']);
      }
    } finally {
      await platform.stop({ graceMs: 0 });
      server.closeAllConnections();
      server.close();
    }
  });
});

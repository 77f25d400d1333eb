import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ReadProfile, readPprof } from '../../../platform/profiling/read-pprof.ts';
import { until } from '../../../support/member-process.ts';
import { RunningPlatform } from '../../../support/platform/running-platform.ts';

const SECONDS = 3;
/** Where instances are deployed and undeployed. */
const LIFECYCLE =
  /\/src\/platform\/runtime\/(?:process\/(?:process-backend|worker-process|process-guard)|program\/work-folder)\.ts/;

type Page = 'profile' | 'wall' | 'allocs' | 'mutex';

describe('what the documentation says to look for in profiles, on the port of the FaaS server', () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'starling-faas-'));
  let server: RunningPlatform;
  let url: string;

  const invoke = async (name: string, parameters: object = {}) => {
    const reply = await fetch(`${url}/fn/invoke/${name}`, { method: 'POST', body: JSON.stringify(parameters) });
    expect(reply.status).toBe(200);
    return (await reply.json()) as Record<string, number>;
  };
  /** Profiles of some types at once, while something is done over and over. */
  const during = async <P extends Page>(pages: readonly P[], work: () => Promise<unknown>) => {
    let isOver = false;
    const taken = Promise.all(
      pages.map(async (page) => {
        const reply = await fetch(`${url}/debug/pprof/${page}?seconds=${SECONDS}`);
        return [page, readPprof(new Uint8Array(await reply.arrayBuffer()))] as const;
      }),
    ).finally(() => {
      isOver = true;
    });
    while (!isOver) await work();
    return Object.fromEntries(await taken) as Record<P, ReadProfile>;
  };
  const secondsOf = ({ samples }: ReadProfile, labels: Readonly<Record<string, string>>) =>
    samples
      .filter((sample) => Object.entries(labels).every(([name, value]) => sample.labels[name] === value))
      .reduce((sum, { values }) => sum + (values[1] ?? 0) / 1e9, 0);
  const lifecycleSamples = ({ samples }: ReadProfile) =>
    samples.filter(({ labels, stack }) => labels['process'] === 'platform' && stack.some((at) => LIFECYCLE.test(at)));

  beforeAll(async () => {
    server = await RunningPlatform.start({
      dataDir,
      flags: ['--faas-server', '127.0.0.1:0', '--profile', 'all'],
      environment: { OPTIMIZED: 'true' },
    });
    url = server.urls['faas-server'] ?? '';
  });
  afterAll(async () => {
    await server.process.stop();
    rmSync(dataDir, { recursive: true, force: true });
  });

  it('contention shows waiting for its lock, and is the only function that does', async () => {
    const { mutex } = await during(['mutex'], async () => {
      await Promise.all([invoke('contention', { threads: 8, iterations: 300 }), invoke('hash', { rounds: 5_000 })]);
    });
    const waiting = mutex.samples.filter(({ names }) => names.includes('Atomics.wait'));
    expect(waiting.length).toBeGreaterThan(0);
    expect(new Set(waiting.map(({ labels }) => labels['function']))).toEqual(new Set(['contention']));
    expect(waiting.some(({ names }) => names.includes('takeLock'))).toBe(true);
    expect(mutex.kinds).toEqual(['contentions/count', 'delay/nanoseconds']);
  });

  it('sleep shows in wall time and not in CPU, fibonacci in both', async () => {
    const { wall, profile } = await during(['wall', 'profile'], () =>
      Promise.all([invoke('sleep', { ms: 300 }), invoke('fibonacci', { n: 32 })]),
    );
    const asleep = secondsOf(wall, { function: 'sleep' });
    expect(asleep).toBeGreaterThan(SECONDS / 3);
    expect(secondsOf(profile, { function: 'sleep' })).toBeLessThan(asleep / 3);
    const computing = profile.samples.filter(({ names }) => names.includes('fibonacci'));
    expect(computing.length).toBeGreaterThan(0);
    expect(
      Math.max(...computing.map(({ names }) => names.filter((name) => name === 'fibonacci').length)),
    ).toBeGreaterThan(5);
  });

  it('transform and sort show what allocates memory', async () => {
    const { allocs } = await during(['allocs'], () =>
      Promise.all([invoke('transform', { size: 20_000 }), invoke('sort')]),
    );
    for (const name of ['transform', 'sort']) {
      const bytes = allocs.samples
        .filter(({ labels }) => labels['function'] === name)
        .reduce((sum, { values }) => sum + (values[1] ?? 0), 0);
      expect(bytes).toBeGreaterThan(1024 * 1024);
    }
  });

  it('deploying and undeploying shows in cold calls and not in warm ones', async () => {
    const call = () => invoke('hash', { rounds: 1 });
    const cold = await during(['profile'], call);
    expect(lifecycleSamples(cold.profile).length).toBeGreaterThan(0);
    await fetch(`${url}/fn/warmpool/hash?size=1`, { method: 'POST' });
    await until('the last cold one is gone', 10_000, async () => (await server.instances()).length === 1);
    const warm = await during(['profile'], call);
    await fetch(`${url}/fn/warmpool/hash`, { method: 'DELETE' });
    expect(lifecycleSamples(warm.profile).map(({ stack }) => stack)).toEqual([]);
    expect(warm.profile.samples.length).toBeGreaterThan(0);
  });
});

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadProfiles } from '../../../src/adapters/prometheus/load-profiles.ts';
import type { InstanceState } from '../../../src/platform/model/invocation.ts';
import { PlatformError } from '../../../src/platform/model/platform-error.ts';
import { aPlatform, type RunningPlatform } from '../dialects/native/a-platform.ts';
import { instanceOf, invocationOf, poolOf } from '../dialects/native/scripted-engine.ts';
import { seedVersions } from '../dialects/native/seed-versions.ts';

let running: RunningPlatform;
beforeEach(async () => {
  running = await aPlatform({ metricLabels: { environment: 'test' } });
});
afterEach(() => running.platform.stop({ graceMs: 0 }));

const ODD = 'it\'s "odd"\\\nand long';

/** Series by name and labels, as a scraper would read them; what is no Prometheus text throws. */
async function scrape(): Promise<Map<string, number>> {
  const response = await fetch(`${running.url}/metrics`);
  expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
  const series = new Map<string, number>();
  let family = '';
  for (const line of (await response.text()).split('\n')) {
    const help = /^# (?:HELP|TYPE) ([a-z_]+) \S/.exec(line);
    if (help) family = help[1] ?? '';
    if (line === '' || help) continue;
    const sample = /^([a-z_]+)(?:\{((?:[a-z_]+="(?:[^"\\\n]|\\[\\"n])*",?)*)\})? (\S+)$/.exec(line);
    if (!sample) throw new Error(`no Prometheus text: ${line}`);
    expect(sample[1]).toBe(family);
    const key = `${sample[1]}{${sample[2] ?? ''}}`;
    expect(series.has(key)).toBe(false);
    series.set(key, Number(sample[3]));
  }
  return series;
}

const labels = (versionId: string, more = '') =>
  `{environment="test",function_id="f",function_version_id="${versionId}",nca_id="account-1"${more}}`;
const seed = (versionId: string) =>
  seedVersions(running.platform.registry, [{ versionId, functionId: 'f', account: 'account-1' }]);

describe('the metrics page of the platform', () => {
  it('has the counters of a version before its first instance and its first call', async () => {
    seed('v');
    const series = await scrape();
    for (const name of [
      'function_request_total',
      'function_request_latency_sum',
      'starling_platform_call_seconds_total',
      'nvcf_function_instances_current',
    ]) {
      expect(series.get(`${name}${labels('v')}`)).toBe(0);
    }
    expect(series.get(`nvcf_function_concurrency${labels('v')}`)).toBe(1);
    expect([...series.keys()].filter((key) => key.startsWith('nvcf_worker'))).toEqual([]);
  });

  it('counts calls, good and bad, and the seconds that they took, also of those under way', async () => {
    seed('v');
    await running.ask('POST', '/v1/functions/f/invoke', {});
    running.engine.onInvoke = async () => {
      throw new PlatformError('timeout', 'too long');
    };
    await running.ask('POST', '/v1/functions/f/invoke', {});
    const { promise, resolve } = Promise.withResolvers<void>();
    running.engine.onInvoke = async (request) => {
      await promise;
      return invocationOf(request, { isCold: false });
    };
    const slow = running.ask('POST', '/v1/functions/f/invoke', {});
    await expect.poll(async () => (await scrape()).get(`function_request_total${labels('v')}`)).toBe(3);
    await expect
      .poll(async () => (await scrape()).get(`starling_platform_call_seconds_total${labels('v')}`))
      .toBeGreaterThan(0.1);
    const during = await scrape();
    expect(during.get(`function_request_latency_count${labels('v')}`)).toBe(2);
    expect(during.get(`function_request_latency_sum${labels('v')}`)).toBeLessThan(0.1);
    expect(during.get(`starling_platform_failed_calls_total${labels('v', ',code="timeout"')}`)).toBe(1);
    resolve();
    await slow;
    const after = await scrape();
    const inSystem = after.get(`starling_platform_call_seconds_total${labels('v')}`) ?? 0;
    expect(after.get(`function_request_latency_sum${labels('v')}`)).toBeCloseTo(inSystem, 6);
  });

  it('has busy seconds and slots of each instance that can serve, and counts all by state', async () => {
    seed('v');
    const states: InstanceState[] = ['warm', 'busy', 'busy', 'warming', 'terminating'];
    const instances = states.map((state, index) =>
      instanceOf({ instanceId: `inst-${index}`, state, busySeconds: index * 1.5, running: state === 'busy' ? 1 : 0 }),
    );
    running.engine.snapshotOf.set(
      'v',
      poolOf('v', { instances, running: 2, waiting: 4, wanted: 3, spawned: { lazy: 5 } }),
    );
    const series = await scrape();
    const busy = 'nvcf_worker_service_worker_thread_busy_seconds_total';
    expect(series.get(`${busy}${labels('v', ',instance_id="inst-1"')}`)).toBe(1.5);
    expect([...series.keys()].filter((key) => key.startsWith(busy))).toHaveLength(3);
    expect(series.get(`nvcf_worker_service_worker_thread_count_total${labels('v', ',instance_id="inst-0"')}`)).toBe(1);
    expect(series.get(`nvcf_function_instances_current${labels('v')}`)).toBe(3);
    const byState = ['cold', 'warming', 'warm', 'busy', 'terminating'].map((state) =>
      series.get(`starling_platform_instances${labels('v', `,state="${state}"`)}`),
    );
    expect(byState).toEqual([0, 1, 1, 2, 1]);
    expect(series.get(`starling_platform_calls_waiting${labels('v')}`)).toBe(4);
    expect(series.get(`starling_platform_spawned_total${labels('v', ',source="lazy"')}`)).toBe(5);
  });

  it('shows what was wished for, and whether it holds', async () => {
    seed('v');
    const path = '/v2/nvcf/accounts/account-1/predictions/functions/f/versions/v';
    await running.ask('PUT', path, { requiredNumberOfInstances: 7 }, { 'Fencing-Token': '1' });
    const series = await scrape();
    expect(series.get(`starling_platform_wish${labels('v')}`)).toBe(7);
    expect(series.get(`starling_platform_wish_fresh${labels('v')}`)).toBe(1);
  });

  it('survives ids of any text, and forgets a version that was deleted', async () => {
    seed(ODD);
    await running.ask('POST', '/v1/functions/f/invoke', {});
    const key = `function_request_total${labels('it\'s \\"odd\\"\\\\\\nand long')}`;
    expect((await scrape()).get(key)).toBe(1);
    running.platform.registry.removeFunction('f');
    expect((await scrape()).has(key)).toBe(false);
    expect((await scrape()).get('starling_platform_functions{environment="test",namespace="native"}')).toBe(0);
  });

  it('has every metric that the shipped profiles of workers, control plane and platform read', async () => {
    seed('v');
    running.engine.snapshotOf.set('v', poolOf('v', { instances: [instanceOf()] }));
    const names = new Set([...(await scrape()).keys()].map((key) => key.split('{')[0]));
    for (const profile of await loadProfiles({ names: ['worker-threads', 'control-plane', 'platform'] })) {
      for (const { name, metrics } of profile.queries.values()) {
        expect([profile.name, name, metrics.some((metric) => names.has(metric))]).toEqual([profile.name, name, true]);
      }
    }
  });

  it('counts when numbers that must agree do not', async () => {
    seed('v');
    const breaches = async () =>
      Object.fromEntries(
        [...(await scrape())].flatMap(([key, value]) => {
          const invariant = /invariant="([^"]+)"/.exec(key)?.[1];
          return invariant ? [[invariant, value]] : [];
        }),
      );
    const none = {
      'calls-are-cold-or-warm': 0,
      'instances-have-processes': 0,
      'reservations-add-up': 0,
      'leases-are-busy': 0,
    };
    expect(await breaches()).toEqual(none);
    running.engine.snapshotOf.set('v', poolOf('v', { instances: [instanceOf({ running: 1 })], reservedBytes: 5 }));
    await running.ask('POST', '/v1/functions/f/invoke', {});
    expect(await breaches()).toEqual({
      'calls-are-cold-or-warm': 1,
      'instances-have-processes': 1,
      'reservations-add-up': 1,
      'leases-are-busy': 1,
    });
  });
});

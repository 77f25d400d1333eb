import { labelsOf, MetricText } from '../../metrics/metric-text.ts';
import type { Pools } from '../../model/pool-snapshot.ts';
import type { Registry } from '../../registry/registry.ts';
import type { HttpMetrics } from './http-metrics.ts';
import type { ProcessMetrics } from './process-metrics.ts';
import type { WarmPools } from './warm-pools.ts';

export interface MetricsPageOptions {
  readonly registry: Registry;
  readonly pools: Pools;
  readonly warmPools: WarmPools;
  readonly http: HttpMetrics;
  readonly process: ProcessMetrics;
}

/** This server's own page: what it was asked, what it costs, and what became of each function. */
export function metricsPage({ registry, pools, warmPools, http, process }: MetricsPageOptions): string {
  const page = new MetricText();
  http.write(page);
  page.declare('faas_calls_total', 'counter', 'Calls that ran, cold ones on an instance deployed for them.');
  page.declare('faas_deployed_total', 'counter', 'Instances deployed.');
  page.declare('faas_undeployed_total', 'counter', 'Instances undeployed.');
  page.declare('faas_instances', 'gauge', 'Instances that live.');
  page.declare('faas_warm_pool_instances', 'gauge', 'Instances of the warm pool, busy ones included.');
  for (const { name, activeVersionId } of registry.functions('builtin')) {
    const pool = activeVersionId === undefined ? undefined : pools.of(activeVersionId);
    const labels = labelsOf({ function: name });
    page.add('faas_calls_total', `${labels},start="cold"`, pool?.coldCalls ?? 0);
    page.add('faas_calls_total', `${labels},start="warm"`, pool?.warmCalls ?? 0);
    page.add('faas_deployed_total', labels, sum(Object.values(pool?.spawned ?? {})));
    page.add('faas_undeployed_total', labels, pool?.stopped ?? 0);
    page.add('faas_instances', labels, pool?.instances.length ?? 0);
    page.add('faas_warm_pool_instances', labels, pool ? warmPools.size(pool.versionId) : 0);
  }
  process.write(page, { instancePids: pidsOf(pools) });
  return page.toString();
}

/** Of all functions of all dialects, for those that were reaped are counted together too. */
function pidsOf(pools: Pools): number[] {
  return [...pools.snapshots()].flatMap(({ instances }) => instances.flatMap(({ pid }) => pid ?? []));
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}

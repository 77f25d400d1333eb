import { readdirSync, readFileSync } from 'node:fs';
import { constants, PerformanceObserver } from 'node:perf_hooks';
import { labelsOf, MetricText } from '../../metrics/metric-text.ts';
import type { Pools } from '../../model/pool-snapshot.ts';
import type { Registry } from '../../registry/registry.ts';
import type { HttpMetrics } from './http-metrics.ts';
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

/** Of what /proc counts processor time in. Linux shows programs no other. */
const TICKS_PER_SECOND = 100;

const GC_KINDS: Readonly<Record<number, string>> = {
  [constants.NODE_PERFORMANCE_GC_MINOR]: 'minor',
  [constants.NODE_PERFORMANCE_GC_MAJOR]: 'major',
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL]: 'incremental',
  [constants.NODE_PERFORMANCE_GC_WEAKCB]: 'weakcb',
};

/** Processor, memory, collection and threads: of this process, and processor time of the functions with it. */
export class ProcessMetrics {
  readonly #gc = new Map<string, { count: number; seconds: number }>();
  readonly #observer: PerformanceObserver;
  #cpuSeconds = 0;

  constructor() {
    this.#observer = new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) {
        const kind = GC_KINDS[(entry as { detail?: { kind?: number } }).detail?.kind ?? 0] ?? 'other';
        const before = this.#gc.get(kind) ?? { count: 0, seconds: 0 };
        this.#gc.set(kind, { count: before.count + 1, seconds: before.seconds + entry.duration / 1_000 });
      }
    });
    this.#observer.observe({ entryTypes: ['gc'] });
  }

  close(): void {
    this.#observer.disconnect();
  }

  write(page: MetricText, { instancePids }: { instancePids: readonly number[] }): void {
    const add = (name: string, kind: 'counter' | 'gauge', help: string, value: number) => {
      page.declare(name, kind, help);
      if (!Number.isNaN(value)) page.add(name, '', value);
    };
    // An instance that ends while its time is being added up may be missed once; a counter must not fall for it.
    this.#cpuSeconds = Math.max(this.#cpuSeconds, cpuSecondsWith(instancePids));
    add('process_cpu_seconds_total', 'counter', 'Processor time of the server and of its functions.', this.#cpuSeconds);
    const { rss, heapUsed, heapTotal, external } = process.memoryUsage();
    add('process_resident_memory_bytes', 'gauge', 'Memory of the server without its functions.', rss);
    add('nodejs_heap_size_used_bytes', 'gauge', 'Heap in use.', heapUsed);
    add('nodejs_heap_size_total_bytes', 'gauge', 'Heap set aside.', heapTotal);
    add('nodejs_external_memory_bytes', 'gauge', 'Memory of buffers and the like.', external);
    add('process_threads', 'gauge', 'Threads of the server.', threads());
    page.declare('nodejs_gc_duration_seconds_sum', 'counter', 'Seconds spent collecting garbage.');
    page.declare('nodejs_gc_duration_seconds_count', 'counter', 'Collections.');
    for (const [kind, { count, seconds }] of this.#gc) {
      page.add('nodejs_gc_duration_seconds_sum', labelsOf({ kind }), seconds);
      page.add('nodejs_gc_duration_seconds_count', labelsOf({ kind }), count);
    }
  }
}

/** In the server that this one speaks like, functions are threads of the one process: a dashboard that divides by requests expects them. */
function cpuSecondsWith(instancePids: readonly number[]): number {
  const own = process.cpuUsage();
  let seconds = (own.user + own.system) / 1e6;
  // Of children that were reaped. Of those that live, with what they reaped themselves.
  const [, , ended = 0, endedInKernel = 0] = ticksOf('self');
  seconds += (ended + endedInKernel) / TICKS_PER_SECOND;
  for (const pid of instancePids) for (const ticks of ticksOf(String(pid))) seconds += ticks / TICKS_PER_SECOND;
  return seconds;
}

/** User, kernel, and both again of reaped children; nothing where there is no such process, or no /proc. */
function ticksOf(pid: string): number[] {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name of the program stands in brackets and may hold anything.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return fields.slice(11, 15).map(Number);
  } catch {
    return [];
  }
}

/** Linux only; NaN leaves the series out elsewhere. */
function threads(): number {
  try {
    return readdirSync('/proc/self/task').length;
  } catch {
    return Number.NaN;
  }
}

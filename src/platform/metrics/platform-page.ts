import type { Clock } from '../../lib/clock.ts';
import { NAMESPACES } from '../model/function-record.ts';
import type { InstanceState } from '../model/invocation.ts';
import type { InstanceSnapshot, PoolSnapshot, Pools } from '../model/pool-snapshot.ts';
import type { Triggers } from '../model/triggers.ts';
import type { RegisteredVersion } from '../registry/registered-version.ts';
import type { Registry } from '../registry/registry.ts';
import type { CallMeter } from './call-meter.ts';
import type { Invariants } from './invariants.ts';
import { labelsOf, type MetricKind, MetricText } from './metric-text.ts';

export interface PlatformPageOptions {
  readonly registry: Pick<Registry, 'functions' | 'versions'> & { readonly wishes: Pick<Registry['wishes'], 'of'> };
  readonly pools: Pools;
  readonly meter: CallMeter;
  readonly triggers: Triggers;
  readonly invariants: Invariants;
  readonly clock: Clock;
  /** Label values that every series carries, such as the environment. */
  readonly labels: Readonly<Record<string, string>>;
}

/** The first eight are what the shipped signal profiles read; docs/platform.md says which reads what. */
const METRICS: readonly (readonly [name: string, kind: MetricKind, help: string])[] = [
  ['function_request_total', 'counter', 'Calls that came in, whatever became of them. There before the first of them.'],
  ['function_request_latency_sum', 'counter', 'Seconds from the arrival to the end of calls, counted when they end.'],
  ['function_request_latency_count', 'counter', 'Calls that ended.'],
  ['nvcf_function_instances_current', 'gauge', 'Instances that can take calls: warm and busy ones.'],
  ['nvcf_function_concurrency', 'gauge', 'Calls that one instance takes at a time.'],
  [
    'nvcf_worker_service_worker_thread_busy_seconds_total',
    'counter',
    'Seconds that the slots of an instance were leased to calls, those under way included.',
  ],
  ['nvcf_worker_service_worker_thread_count_total', 'gauge', 'Slots of an instance.'],
  [
    'starling_platform_call_seconds_total',
    'counter',
    'Seconds that calls spent waiting or running, those under way included: its rate is the demand.',
  ],
  ['starling_platform_instances', 'gauge', 'Instances by state.'],
  ['starling_platform_instances_wanted', 'gauge', 'Instances that the wish or the inner rules ask for, inside bounds.'],
  ['starling_platform_wish', 'gauge', 'Instances that the control plane was last told to run.'],
  ['starling_platform_wish_fresh', 'gauge', '1 while the wish holds, 0 when the inner rules decide.'],
  ['starling_platform_calls_running', 'gauge', 'Calls on instances now.'],
  ['starling_platform_calls_waiting', 'gauge', 'Calls that wait for an instance now.'],
  ['starling_platform_cold_calls_total', 'counter', 'Calls that ran first on an instance spawned for them.'],
  ['starling_platform_warm_calls_total', 'counter', 'Calls that ran on an instance that was there.'],
  ['starling_platform_failed_calls_total', 'counter', 'Calls that ended badly, by what it was.'],
  ['starling_platform_waits_total', 'counter', 'Calls that had to wait for an instance.'],
  ['starling_platform_wait_seconds_total', 'counter', 'Seconds that calls waited for an instance.'],
  ['starling_platform_spawned_total', 'counter', 'Instances started, by what asked for them.'],
  ['starling_platform_stopped_total', 'counter', 'Instances ended.'],
  ['starling_platform_reserved_bytes', 'gauge', 'Memory set aside for the instances of a version.'],
  ['starling_platform_memory_reserved_bytes', 'gauge', 'Memory set aside for all instances.'],
  ['starling_platform_memory_budget_bytes', 'gauge', 'Memory that may be set aside.'],
  ['starling_platform_functions', 'gauge', 'Registered functions.'],
  ['starling_platform_invariant_breaches_total', 'counter', 'Looks at which numbers that must agree did not.'],
  ['starling_platform_resident_bytes', 'gauge', 'Memory of the platform itself, without its instances.'],
  ['starling_platform_trigger_fires_total', 'counter', 'Calls that a trigger made.'],
  ['starling_platform_trigger_failures_total', 'counter', 'Calls of a trigger that ended badly, by what it was.'],
  [
    'starling_platform_trigger_skips_total',
    'counter',
    'Fires of a schedule that were left out: the one before still ran, or they were long past.',
  ],
  ['starling_platform_queue_messages', 'gauge', 'Messages of a queue trigger: waiting, on their way, or dead.'],
  ['starling_platform_queue_oldest_seconds', 'gauge', 'How long the message waits that waits longest.'],
];

const STATES: readonly InstanceState[] = ['cold', 'warming', 'warm', 'busy', 'terminating'];

/** Everything that runs, as Prometheus text. A version that never ran has the series that discovery needs and no more. */
export function platformPage(options: PlatformPageOptions): string {
  const { registry, pools, invariants } = options;
  const page = new MetricText();
  for (const [name, kind, help] of METRICS) page.declare(name, kind, help);
  const common = labelsOf(options.labels);
  for (const version of registry.versions()) addVersion(page, version, options);
  addTriggers(page, options);
  const { reservedBytes, budgetBytes } = pools.memory();
  page.add('starling_platform_memory_reserved_bytes', common, reservedBytes);
  page.add('starling_platform_memory_budget_bytes', common, budgetBytes);
  page.add('starling_platform_resident_bytes', common, process.memoryUsage.rss());
  for (const namespace of NAMESPACES) {
    const labels = labelsOf({ ...options.labels, namespace });
    page.add('starling_platform_functions', labels, registry.functions(namespace).length);
  }
  for (const [invariant, breaches] of invariants.check()) {
    page.add('starling_platform_invariant_breaches_total', labelsOf({ ...options.labels, invariant }), breaches);
  }
  return page.toString();
}

function addVersion(page: MetricText, version: RegisteredVersion, options: PlatformPageOptions): void {
  const { pools, meter, registry, clock } = options;
  const { versionId } = version;
  const identity = labelsOf({
    ...options.labels,
    function_id: version.functionId,
    function_version_id: versionId,
    nca_id: version.account,
  });
  const counts = meter.of(versionId);
  const pool = pools.of(versionId);
  page.add('function_request_total', identity, counts?.calls ?? 0);
  page.add('function_request_latency_sum', identity, counts?.latencySeconds ?? 0);
  page.add('function_request_latency_count', identity, counts?.ended ?? 0);
  page.add('starling_platform_call_seconds_total', identity, meter.inSystemSeconds(versionId));
  page.add('nvcf_function_instances_current', identity, pool ? countOf(pool, ['warm', 'busy']) : 0);
  page.add('nvcf_function_concurrency', identity, version.launch.concurrency);
  const wish = registry.wishes.of(versionId);
  if (wish) page.add('starling_platform_wish', identity, wish.body.requiredNumberOfInstances);
  for (const [code, count] of counts?.failed ?? []) {
    page.add('starling_platform_failed_calls_total', `${identity},${labelsOf({ code })}`, count);
  }
  if (!pool) return;
  page.add('starling_platform_wish_fresh', identity, (pool.wishUntilMs ?? 0) > clock.wallMs() ? 1 : 0);
  addPool(page, pool, identity);
  for (const instance of pool.instances) {
    addInstance(page, instance, { labels: identity, slots: version.launch.concurrency });
  }
}

function addPool(page: MetricText, pool: PoolSnapshot, identity: string): void {
  for (const state of STATES) {
    page.add('starling_platform_instances', `${identity},state="${state}"`, countOf(pool, [state]));
  }
  page.add('starling_platform_instances_wanted', identity, pool.wanted);
  page.add('starling_platform_calls_running', identity, pool.running);
  page.add('starling_platform_calls_waiting', identity, pool.waiting);
  page.add('starling_platform_cold_calls_total', identity, pool.coldCalls);
  page.add('starling_platform_warm_calls_total', identity, pool.warmCalls);
  page.add('starling_platform_waits_total', identity, pool.waits);
  page.add('starling_platform_wait_seconds_total', identity, pool.waitedSeconds);
  for (const [source, count] of Object.entries(pool.spawned)) {
    page.add('starling_platform_spawned_total', `${identity},source="${source}"`, count);
  }
  page.add('starling_platform_stopped_total', identity, pool.stopped);
  page.add('starling_platform_reserved_bytes', identity, pool.reservedBytes);
}

function addInstance(
  page: MetricText,
  { instanceId, state, busySeconds }: InstanceSnapshot,
  { labels, slots }: { labels: string; slots: number },
): void {
  // What is still starting has no slots to give; what ends has given them back.
  if (state !== 'warm' && state !== 'busy') return;
  const own = `${labels},${labelsOf({ instance_id: instanceId })}`;
  page.add('nvcf_worker_service_worker_thread_busy_seconds_total', own, busySeconds);
  page.add('nvcf_worker_service_worker_thread_count_total', own, slots);
}

/** What triggers do. A queue has its series before its first message. */
function addTriggers(page: MetricText, { triggers, clock, labels }: PlatformPageOptions): void {
  for (const { triggerId, functionId, settings } of triggers.list()) {
    const { kind } = settings;
    const identity = labelsOf({ ...labels, function_id: functionId, trigger_id: triggerId, kind });
    const { fires, failures, skips } = triggers.countsOf(triggerId);
    page.add('starling_platform_trigger_fires_total', identity, fires);
    for (const [code, count] of failures) {
      page.add('starling_platform_trigger_failures_total', `${identity},${labelsOf({ code })}`, count);
    }
    if (kind === 'schedule') {
      for (const [reason, count] of Object.entries(skips)) {
        page.add('starling_platform_trigger_skips_total', `${identity},reason="${reason}"`, count);
      }
    }
    if (kind !== 'queue') continue;
    const queue = labelsOf({ ...labels, function_id: functionId, trigger_id: triggerId, queue: settings.queue });
    for (const [state, count] of Object.entries(triggers.depthOf(triggerId))) {
      page.add('starling_platform_queue_messages', `${queue},state="${state}"`, count);
    }
    const oldestMs = triggers.oldestMs(triggerId);
    const waitedMs = oldestMs === undefined ? 0 : Math.max(0, clock.wallMs() - oldestMs);
    page.add('starling_platform_queue_oldest_seconds', queue, waitedMs / 1_000);
  }
}

function countOf({ instances }: PoolSnapshot, states: readonly InstanceState[]): number {
  let count = 0;
  for (const { state } of instances) if (states.includes(state)) count += 1;
  return count;
}

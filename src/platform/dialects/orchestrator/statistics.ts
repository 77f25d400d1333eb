import { type InstanceSnapshot, LATENCY_BOUNDARIES_SECONDS, type PoolSnapshot } from '../../model/pool-snapshot.ts';
import type { RegisteredVersion } from '../../registry/registered-version.ts';
import type { FunctionLabel } from './function-labels.ts';
import type { OrchestratorTools } from './orchestrator-tools.ts';

const MIB = 2 ** 20;
/** What ends takes no more calls. */
const isThere = ({ state }: InstanceSnapshot) => state !== 'terminating';

export interface CountedFunction {
  readonly label: FunctionLabel;
  readonly versions: readonly RegisteredVersion[];
}

type Sources = Pick<OrchestratorTools, 'pools' | 'meter'>;

/** The row of one function in the orchestrator's metrics. */
export function poolRow({ label, versions }: CountedFunction, { pools }: Sources) {
  const instances = versions.flatMap(({ versionId }) => pools.of(versionId)?.instances ?? []).filter(isThere);
  const count = (state: InstanceSnapshot['state']) => instances.filter((each) => each.state === state).length;
  return {
    functionId: label.id,
    functionName: label.name,
    total: instances.length,
    warm: count('warm'),
    busy: count('busy'),
  };
}

/** Everything that is counted of a function, over all of its versions, since the platform started. */
export function statisticsOf(counted: CountedFunction, sources: Sources) {
  const { pools, meter } = sources;
  const snapshots = counted.versions.flatMap(({ versionId }) => pools.of(versionId) ?? []);
  const counts = counted.versions.flatMap(({ versionId }) => meter.of(versionId) ?? []);
  const invocations = sum(counts, ({ calls }) => calls);
  const ended = sum(counts, (each) => each.ended);
  const errors = sum(counts, ({ failed }) => sum([...failed.values()], (count) => count));
  const coldStarts = sum(snapshots, ({ coldCalls }) => coldCalls);
  const ran = coldStarts + sum(snapshots, ({ warmCalls }) => warmCalls);
  const residentBytes = sum(snapshots, ({ instances }) => sum(instances, ({ rssBytes = 0 }) => rssBytes));
  return {
    ...poolRow(counted, sources),
    queued: sum(snapshots, ({ waiting }) => waiting),
    invocations,
    coldStarts,
    coldStartRate: share(coldStarts, ran),
    errors,
    errorRate: share(errors, ended),
    averageResponseMs: ended === 0 ? null : round((sum(counts, (each) => each.latencySeconds) / ended) * 1_000),
    p95ResponseMs: quantileMs(snapshots, 0.95),
    executionMs: round(sum(counts, ({ ranSeconds }) => ranSeconds) * 1_000),
    memoryMb: Math.round(residentBytes / MIB),
    memoryReservedMb: Math.round(sum(snapshots, ({ reservedBytes }) => reservedBytes) / MIB),
    instancesStarted: sum(snapshots, ({ spawned }) => sum(Object.values(spawned), (count) => count)),
    instancesStopped: sum(snapshots, ({ stopped }) => stopped),
  };
}

/** What the function's pool consists of now. */
export function poolOf({ label, versions }: CountedFunction, { pools }: Sources) {
  return {
    functionId: label.id,
    functionName: label.name,
    queued: sum(versions, ({ versionId }) => pools.of(versionId)?.waiting ?? 0),
    instances: versions.flatMap(({ versionId, number }) =>
      (pools.of(versionId)?.instances ?? []).map((instance) => ({
        id: instance.instanceId,
        version: number,
        state: instance.state,
        source: instance.source,
        createdAt: new Date(instance.startedMs).toISOString(),
        invocations: instance.uses,
        memoryUsed: instance.rssBytes === undefined ? null : Math.round(instance.rssBytes / MIB),
      })),
    ),
  };
}

function sum<T>(of: readonly T[], numberOf: (each: T) => number): number {
  return of.reduce((so, each) => so + numberOf(each), 0);
}

function share(part: number, whole: number): number {
  return whole === 0 ? 0 : Math.round((part / whole) * 10_000) / 10_000;
}

function round(ms: number): number {
  return Math.round(ms * 100) / 100;
}

/** By straight line inside the class in which it lies; in the last class, which has no end, that class's beginning. */
function quantileMs(snapshots: readonly PoolSnapshot[], quantile: number): number | null {
  const classes = Array.from({ length: LATENCY_BOUNDARIES_SECONDS.length + 1 }, (_, index) =>
    sum(snapshots, ({ latencyCounts }) => latencyCounts[index] ?? 0),
  );
  const all = sum(classes, (count) => count);
  if (all === 0) return null;
  let left = all * quantile;
  for (const [index, count] of classes.entries()) {
    const from = (LATENCY_BOUNDARIES_SECONDS[index - 1] ?? 0) * 1_000;
    const to = (LATENCY_BOUNDARIES_SECONDS[index] ?? Number.NaN) * 1_000;
    if (left <= count) return round(Number.isNaN(to) ? from : from + ((to - from) * left) / count);
    left -= count;
  }
  return null;
}

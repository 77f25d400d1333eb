import type { PoolSnapshot } from '../model/pool-snapshot.ts';
import type { InstanceSet } from './instance-set.ts';
import type { PoolCounters } from './pool-counters.ts';

export interface SnapshotSource {
  readonly versionId: string;
  readonly instances: InstanceSet;
  readonly counters: PoolCounters;
  readonly waiting: number;
  readonly wanted: number;
  readonly wishUntilMs: number | undefined;
  readonly cap: number;
  readonly nowMs: number;
}

/** A pool at one moment, as a copy that nothing changes any more. */
export function snapshotOf(source: SnapshotSource): PoolSnapshot {
  const { versionId, instances, counters, waiting, wanted, wishUntilMs, cap, nowMs } = source;
  return {
    versionId,
    instances: Array.from(instances, (instance) => ({
      instanceId: instance.instanceId,
      pid: instance.running?.pid,
      state: instance.state,
      source: instance.source,
      startedMs: instance.createdWallMs,
      uses: instance.uses,
      running: instance.inFlight,
      busySeconds: instance.busyMs(nowMs) / 1000,
      rssBytes: instance.running?.rssBytes(),
    })),
    waiting,
    running: instances.running,
    wanted,
    wishUntilMs,
    cap,
    coldCalls: counters.coldCalls,
    warmCalls: counters.warmCalls,
    failedCalls: { ...counters.failedCalls },
    waits: counters.waits,
    waitedSeconds: counters.waitedMs / 1000,
    spawned: { ...counters.spawned },
    stopped: counters.stopped,
    stoppedBy: { ...counters.stoppedBy },
    failedStarts: counters.failedStarts,
    scaleUps: counters.scaleUps,
    scaleDowns: counters.scaleDowns,
    requests: counters.requests,
    latencySeconds: counters.latencyMs / 1000,
    latencyCounts: [...counters.latencyCounts],
    reservedBytes: instances.reservedBytes(),
  };
}

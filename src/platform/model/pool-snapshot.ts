import type { InstanceState, SpawnSource } from './invocation.ts';
import type { PlatformErrorCode } from './platform-error.ts';

/** Why an instance was ended. `uses`, `age`: it had served long enough. `surplus`: fewer were wanted. `room`: another pool needed its memory. */
export type StopReason =
  | 'idle'
  | 'age'
  | 'uses'
  | 'surplus'
  | 'above-cap'
  | 'room'
  | 'by-hand'
  | 'retired'
  | 'stale-deploy'
  | 'not-reused'
  | 'timeout'
  | 'overdue'
  | 'crashed'
  | 'out-of-memory'
  | 'result-too-large'
  | 'unreachable'
  | 'caller-gone'
  | 'stopping';

/** Upper boundaries of the latency counts, in seconds; one more count is for all above. */
export const LATENCY_BOUNDARIES_SECONDS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const;

/** One live instance as people and the metrics page see it. */
export interface InstanceSnapshot {
  readonly instanceId: string;
  readonly pid: number | undefined;
  readonly state: InstanceState;
  readonly source: SpawnSource;
  readonly startedMs: number;
  readonly uses: number;
  /** Calls that run on it now. */
  readonly running: number;
  /** Seconds that its slots were leased, those of calls still running included. Starting is not busy time. */
  readonly busySeconds: number;
  readonly rssBytes: number | undefined;
}

/** One pool at one moment. Counters never fall while the platform runs. */
export interface PoolSnapshot {
  readonly versionId: string;
  readonly instances: readonly InstanceSnapshot[];
  /** Callers that wait for an instance. */
  readonly waiting: number;
  readonly running: number;
  /** What the rules or the wish ask for, inside bounds and cap. */
  readonly wanted: number;
  /** Until when the wish holds, on the wall clock; undefined: the inner rules decide. */
  readonly wishUntilMs: number | undefined;
  readonly coldCalls: number;
  readonly warmCalls: number;
  readonly failedCalls: Readonly<Partial<Record<PlatformErrorCode, number>>>;
  readonly waits: number;
  readonly waitedSeconds: number;
  readonly spawned: Readonly<Partial<Record<SpawnSource, number>>>;
  readonly stopped: number;
  readonly stoppedBy: Readonly<Partial<Record<StopReason, number>>>;
  /** Starts that ended before the instance could serve. */
  readonly failedStarts: number;
  readonly scaleUps: number;
  readonly scaleDowns: number;
  /** The most that may run now: the operator's bound, eight for each CPU, and what memory still holds. */
  readonly cap: number;
  /** Every call that came for this version, those that were turned away included. */
  readonly requests: number;
  /** From coming to being answered, over all calls that were answered, well or not. */
  readonly latencySeconds: number;
  /** How many of them took how long, not cumulated, by LATENCY_BOUNDARIES_SECONDS. */
  readonly latencyCounts: readonly number[];
  readonly reservedBytes: number;
}

/** How many instances the autoscaler wants of a version, and until when that holds, on the wall clock. */
export interface Wish {
  readonly wanted: number;
  readonly untilMs: number;
}

/** The pools as everything outside the router uses them: dialects, the control plane, the registry's changes. */
export interface Pools {
  /** Undefined: nothing of this version ever ran. */
  of(versionId: string): PoolSnapshot | undefined;
  snapshots(): Iterable<PoolSnapshot>;
  memory(): { readonly reservedBytes: number; readonly budgetBytes: number };
  /** Adds instances by hand and resolves with how many are warm then. */
  warm(versionId: string, options: { count: number; source: SpawnSource; signal?: AbortSignal }): Promise<number>;
  /** `undefined` takes the wish back. */
  wish(versionId: string, wish: Wish | undefined): void;
  /** Ends the instances that are free, however they came, and with `alsoBusy` those warmed by hand after their calls; returns how many. */
  cool(versionId: string, options?: { readonly alsoBusy?: boolean }): number;
  /** Settings or code changed: instances of another deploy id are retired, bounds hold at once. */
  refresh(versionId: string): void;
  /** Retires exactly the instances that are there. */
  retire(versionId: string): void;
}

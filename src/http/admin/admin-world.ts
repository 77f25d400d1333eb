import type { ActiveVersion } from '../../domain/active-version.ts';
import type { Bucket } from '../../domain/bucket.ts';
import type { Decision } from '../../domain/decision.ts';
import type { FunctionState } from '../../domain/function-state.ts';
import type { MemberId, MemberRow } from '../../domain/member.ts';
import type { Policy } from '../../domain/policy.ts';
import type { Signals } from '../../domain/signal.ts';
import type { Clock } from '../../lib/clock.ts';
import type { LoopStatus } from '../../loops/loop.ts';
import type { TrailPoint } from '../../loops/scale/trail.ts';
import type { Store } from '../../ports/store.ts';
import type { TargetAnswer } from '../../ports/target-source.ts';
import type { ConsoleState } from '../console.ts';
import type { DependencyHealth } from '../health.ts';

/** A version in this replica's care, in one line. */
export interface VersionSummary {
  readonly version: ActiveVersion;
  readonly state: FunctionState | undefined;
  readonly latest: Omit<Decision, 'signals'> | undefined;
  /** The newest samples, however old: the reasons of the decision show whether they were used. */
  readonly utilisation: number | undefined;
  readonly demand: number | undefined;
  readonly target: TargetAnswer;
}

/** What deciding remembers of a version that people may want to know. */
export interface MemoryView {
  readonly cycles: number;
  readonly raisedMs: number | undefined;
  readonly loweredMs: number | undefined;
  /** Since when wanted and actual differ. */
  readonly divergedSinceMs: number | undefined;
  /** Since when its load cannot be seen. */
  readonly blindSinceMs: number | undefined;
  readonly recoveredMs: number | undefined;
}

/** The same version as it is right now, in full. */
export interface LiveVersion extends Pick<VersionSummary, 'version' | 'state' | 'latest' | 'target'> {
  readonly profile: string | undefined;
  readonly utilisation: Signals['utilisation']['samples'];
  readonly demand: Signals['demand']['samples'];
  readonly trail: readonly TrailPoint[];
  readonly memory: MemoryView;
  readonly lastInvokedMs: number | undefined;
  readonly watchedSinceMs: number | undefined;
}

export interface FreezeView {
  readonly isFrozen: boolean;
  readonly isReleased: boolean;
  readonly sinceMs: number | undefined;
  readonly cause: string | undefined;
}

/** What the admin API shows and pokes, gathered by the wiring of the service. */
export interface AdminWorld {
  readonly memberId: MemberId;
  readonly version: string;
  readonly startedMs: number;
  readonly nowMs: () => number;
  readonly after: Clock['after'];
  /** Aborted when the service stops: listeners for events are let go at once. */
  readonly stopping: AbortSignal;
  readonly store: Pick<Store, 'catalogue' | 'states' | 'ledger' | 'controls'>;
  readonly members: () => readonly (MemberRow & { readonly isAlive: boolean })[];
  readonly ownerOf: (bucket: Bucket) => MemberId | undefined;
  readonly bucketOf: (versionId: string) => Promise<Bucket | undefined>;
  /** Milliseconds since this replica last evaluated the bucket. */
  readonly servedAgeMs: (bucket: Bucket) => number | undefined;
  readonly loops: () => readonly LoopStatus[];
  readonly poke: (loop: string) => boolean;
  readonly dependencies: () => readonly DependencyHealth[];
  readonly freeze: () => FreezeView;
  readonly summaryOf: (versionId: string) => VersionSummary | undefined;
  /** All that are in this replica's care; what is not given anew has not changed. */
  readonly tracked: () => Iterable<Pick<VersionSummary, 'version' | 'state' | 'latest'>>;
  readonly live: (versionId: string) => LiveVersion | undefined;
  /** In force where the control plane names no policy. */
  readonly defaultPolicy: Policy;
  readonly configuration: () => unknown;
  readonly console: () => ConsoleState;
  /** Undefined: no token is asked for. Read per request, so that a new one counts at once. */
  readonly token: () => string | undefined;
  /** Host headers that are answered, lower case, without port. */
  readonly allowedHosts: readonly string[];
  readonly bodyMaxBytes: number;
  /** False when this caller has changed too much lately. */
  readonly mayChange: (caller: string) => boolean;
  readonly audit: (change: { what: string; by: string; why: string; versionId: string | undefined }) => void;
}

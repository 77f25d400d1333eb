import type { Bucket } from '../../domain/bucket.ts';
import type { MemberId, MemberRow } from '../../domain/member.ts';
import type { Policy } from '../../domain/policy.ts';
import type { Sample } from '../../domain/signal.ts';
import type { Clock } from '../../lib/clock.ts';
import type { LoopStatus } from '../../loops/loop.ts';
import type { Tracked } from '../../loops/scale/tracked.ts';
import type { Store } from '../../ports/store.ts';
import type { TargetAnswer } from '../../ports/target-source.ts';
import type { ConsoleState } from '../console.ts';
import type { DependencyHealth } from '../health.ts';

/** A version in this replica's care, in one line. */
export interface VersionSummary extends Readonly<Pick<Tracked, 'version' | 'state' | 'latest'>> {
  /** The newest samples, however old: the reasons of the decision show whether they were used. */
  readonly utilisation: number | undefined;
  readonly demand: number | undefined;
  readonly target: TargetAnswer;
}

/** What deciding remembers of a version that people may want to know. */
export type MemoryView = Pick<
  Tracked['memory'],
  'cycles' | 'raisedMs' | 'loweredMs' | 'divergedSinceMs' | 'blindSinceMs' | 'recoveredMs'
>;

/** The same version as it is right now, in full. */
export interface LiveVersion
  extends Pick<Tracked, 'version' | 'state' | 'latest' | 'profile' | 'trail' | 'lastInvokedMs' | 'watchedSinceMs'> {
  readonly utilisation: readonly Sample[];
  readonly demand: readonly Sample[];
  readonly memory: MemoryView;
  readonly target: TargetAnswer;
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
  readonly freeze: () => {
    readonly isFrozen: boolean;
    readonly isReleased: boolean;
    readonly sinceMs: number | undefined;
    readonly cause: string | undefined;
  };
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

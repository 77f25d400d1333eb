import type { ActiveVersion } from '../../domain/active-version.ts';
import type { Bucket } from '../../domain/bucket.ts';
import type { Decision } from '../../domain/decision.ts';
import type { FunctionState } from '../../domain/function-state.ts';
import type { MemberId, MemberRow } from '../../domain/member.ts';
import type { Signals } from '../../domain/signal.ts';
import type { LoopStatus } from '../../loops/loop.ts';
import type { Store } from '../../ports/store.ts';
import type { TargetAnswer } from '../../ports/target-source.ts';
import type { DependencyHealth } from '../health.ts';

/** A version in this replica's care, as it is right now. */
export interface LiveVersion {
  readonly version: ActiveVersion;
  readonly state: FunctionState | undefined;
  readonly profile: string | undefined;
  readonly latest: Omit<Decision, 'signals'> | undefined;
  readonly utilisation: Signals['utilisation']['samples'];
  readonly demand: Signals['demand']['samples'];
  readonly target: TargetAnswer;
}

export interface FreezeView {
  readonly isFrozen: boolean;
  readonly isReleased: boolean;
  readonly sinceMs: number | undefined;
  readonly cause: string | undefined;
}

/** What the admin API shows and pokes, gathered by whoever wires the service. */
export interface AdminWorld {
  readonly memberId: MemberId;
  readonly version: string;
  readonly startedMs: number;
  readonly nowMs: () => number;
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
  readonly live: (versionId: string) => LiveVersion | undefined;
  readonly configuration: () => unknown;
  /** Undefined: no token is asked for. Read per request, so that a new one counts at once. */
  readonly token: () => string | undefined;
  /** Host headers that are answered, lower case, without port. */
  readonly allowedHosts: readonly string[];
  readonly bodyMaxBytes: number;
  /** False when this caller has changed too much lately. */
  readonly mayChange: (caller: string) => boolean;
  readonly audit: (change: { what: string; by: string; why: string; versionId: string | undefined }) => void;
}

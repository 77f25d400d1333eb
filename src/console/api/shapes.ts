/** What the admin API answers, as far as the console reads it; docs/openapi/admin.json is the whole of it. */

export type Verdict = 'raise' | 'lower' | 'keep' | 'abstain';
export type Value = number | '+Inf' | null;

interface Decided {
  readonly verdict: Verdict;
  readonly previous: number | null;
  readonly wanted: number | null;
  readonly actual: number | null;
  readonly policy: string;
}

interface VersionIdentity {
  readonly versionId: string;
  /** What people call it; null where none was told, or where another member evaluates it. */
  readonly name: string | null;
  readonly functionId: string;
  readonly account: string;
  readonly bucket: number;
  readonly owner: string | null;
  readonly isMine: boolean;
}

export interface Summary extends VersionIdentity {
  readonly applied: number | null;
  readonly phase: 'pending' | 'settled' | null;
  readonly outcome: string | null;
  readonly changedAt: string | null;
  readonly utilisation: Value;
  readonly demand: Value;
  readonly latest: (Decided & { readonly at: string | null; readonly reasons: readonly string[] }) | null;
}

export interface Reason {
  readonly code: string;
  readonly facts: Readonly<Record<string, number | string | boolean>>;
  readonly text: string;
}

export interface Sample {
  readonly at: string;
  readonly value: Value;
}

export interface ExplainedDecision extends Decided {
  readonly at: string;
  readonly reasons: readonly Reason[];
  readonly whyNot: readonly string[];
}

export interface Entry extends ExplainedDecision {
  readonly utilisation: readonly Sample[];
  readonly demand: readonly Sample[];
  readonly holder: string;
  readonly token: string | null;
  readonly outcome: string | null;
  readonly detail: string;
}

export interface Policy {
  readonly kind: 'steps' | 'target';
  readonly target?: number;
  readonly up?: { readonly threshold: number };
  readonly down?: { readonly threshold: number };
}

export interface Control {
  readonly kind: 'pause' | 'override' | 'freeze-release';
  readonly versionId?: string;
  readonly wanted?: number;
  readonly until: string;
  readonly by: string;
  readonly why: string;
}

export interface Version extends VersionIdentity {
  readonly ownerAddress: string | null;
  readonly profile: string | null;
  readonly profiles: readonly string[];
  readonly state: {
    readonly token: string;
    readonly phase: 'pending' | 'settled';
    readonly holder: string;
    readonly wanted: number;
    readonly applied: number | null;
    readonly outcome: string | null;
    readonly claimedAt: string | null;
    readonly settledAt: string | null;
  } | null;
  readonly target: {
    readonly status: string;
    readonly min: number;
    readonly max: number;
    readonly concurrency: number;
    readonly policy: Policy | null;
  } | null;
  readonly targetAsOf: string | null;
  readonly policyInForce: Policy | null;
  readonly latest: ExplainedDecision | null;
  readonly utilisation: readonly Sample[];
  readonly demand: readonly Sample[];
  readonly trail: readonly { readonly at: string; readonly wanted: number | null; readonly actual: number | null }[];
  readonly calls: { readonly lastAt: string | null; readonly watchedSince: string | null } | null;
  readonly memory: {
    readonly raisedAt: string | null;
    readonly loweredAt: string | null;
    readonly apartSince: string | null;
    readonly blindSince: string | null;
  } | null;
  readonly controls: readonly Control[];
}

export interface Loop {
  readonly name: string;
  readonly purpose: string;
  readonly periodMs: number;
  readonly isRunning: boolean;
  readonly lastResult?: 'ok' | 'failed';
  readonly lastError?: string;
  readonly lastStartedAt: string | null;
  readonly lastDurationMs?: number;
  readonly activations: number;
  readonly failures: number;
  readonly overruns: number;
  readonly idleForMs: number;
  readonly isHung: boolean;
}

export interface Dependency {
  readonly name: string;
  readonly state: 'awaited' | 'up' | 'down';
  readonly detail: string;
  readonly hasAnswered: boolean;
}

export interface Status {
  readonly memberId: string;
  readonly version: string;
  readonly startedAt: string | null;
  readonly members: number;
  readonly bucketsOwned: number;
  readonly freeze: {
    readonly isFrozen: boolean;
    readonly isReleased: boolean;
    readonly since: string | null;
    readonly cause: string | null;
  };
  readonly dependencies: readonly Dependency[];
  readonly loops: readonly Loop[];
}

export interface Member {
  readonly memberId: string;
  readonly state: 'active' | 'leaving' | 'left';
  readonly version: string;
  readonly address: string;
  readonly weight: number;
  readonly isAlive: boolean;
  readonly bucketsOwned: number;
}

export interface Move {
  readonly from: string | null;
  readonly to: string | null;
  readonly buckets: readonly number[];
}

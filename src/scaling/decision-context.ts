import type { Policy } from '../domain/policy.ts';
import type { Reason } from '../domain/reason.ts';
import type { Quality, Window } from '../domain/signal.ts';
import type { Target } from '../domain/target.ts';
import type { Memory } from './memory.ts';
import type { Activity, Situation } from './situation.ts';

/** What must be known before the load is looked at: without it nothing may be changed. */
export interface Preconditions {
  readonly situation: Situation;
  readonly target: Target;
  /** Instances that run; undefined when neither the metrics nor the control plane show it. */
  readonly actual: number | undefined;
  /** Whether that count may be taken as whole; of a partial answer some may be missing. */
  readonly isActualSound: boolean;
  /** The wish that stands. */
  readonly standing: number;
  readonly bounds: { readonly min: number; readonly max: number };
}

/** The same with a policy to judge by, and what it looks at. */
export interface DecisionContext extends Preconditions {
  readonly policy: Policy;
  readonly activity: Activity;
  /** The load by which this policy aims. */
  readonly load: Window;
  /** Brought up to now, before this decision's own aim is added. */
  readonly memory: Memory;
}

/** What the load alone asks for. */
export interface Aim {
  /** 0: for nothing. */
  readonly count: number;
  /**
   * Set where the load is so low that nothing needs to run, with the facts that show it. Whether the version then goes to
   * zero is not for the aim to say: see `zero.ts`.
   */
  readonly low?: Reason['facts'];
}

/** Where a stage puts its reasons; in order of effect. */
export type Reasons = Reason[];

const NO_FACTS: Reason['facts'] = Object.freeze({});

export function because(reasons: Reasons, code: Reason['code'], facts: Reason['facts'] = NO_FACTS): void {
  reasons.push({ code, facts });
}

const QUALITY_CODES = {
  fresh: undefined,
  partial: 'partial-samples',
  stale: 'stale-samples',
  absent: 'no-samples',
  invalid: 'invalid-samples',
} as const satisfies Record<Quality, Reason['code'] | undefined>;

/** Says what is wrong with the load, if anything. */
export function noteLoadQuality({ load }: DecisionContext, reasons: Reasons): void {
  const code = QUALITY_CODES[load.quality];
  if (code) because(reasons, code, { samples: load.samples.length });
}

/** No fleet has more instances, and sums of it stay exact. */
export const COUNT_MAX = 2 ** 31 - 1;

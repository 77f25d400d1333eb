import type { Policy } from '../domain/policy.ts';
import type { Reason } from '../domain/reason.ts';
import type { Target } from '../domain/target.ts';
import type { Memory } from './memory.ts';
import type { Activity, Evidence, Situation } from './situation.ts';

/** What there is to stand on before the load is looked at: without it nothing may be changed. */
export interface Footing {
  readonly situation: Situation;
  readonly target: Target;
  /** Instances that run; undefined when neither the metrics nor the control plane tell. */
  readonly actual: number | undefined;
  /** Whether that count may be taken as whole; of a partial answer some may be missing. */
  readonly isActualSound: boolean;
  /** The wish that stands. */
  readonly standing: number;
  readonly bounds: { readonly min: number; readonly max: number };
}

/** The same with a policy to judge by, and what it looks at. */
export interface View extends Footing {
  readonly policy: Policy;
  readonly activity: Activity;
  /** The load by which this policy aims. */
  readonly load: Evidence;
  /** Brought up to now, before this decision's own aim is added. */
  readonly memory: Memory;
}

/** Where a stage puts its reasons; in order of effect. */
export type Reasons = Reason[];

export function because(reasons: Reasons, code: Reason['code'], facts: Reason['facts'] = NO_FACTS): void {
  reasons.push({ code, facts });
}

const NO_FACTS: Reason['facts'] = Object.freeze({});

/** No fleet has more instances, and sums of it stay exact. */
export const COUNT_MAX = 2 ** 31 - 1;

import type { Policy } from '../../domain/policy.ts';
import type { Window } from '../../domain/signal.ts';
import type { Aim, DecisionContext, Preconditions, Reasons } from '../decision-context.ts';
import { aimBySteps, stepsLoad } from './steps.ts';
import { aimByTarget, targetLoad } from './target.ts';

/** The load that this kind of policy goes by. */
export function loadOf(policy: Policy, preconditions: Preconditions): Window {
  switch (policy.kind) {
    case 'steps':
      return stepsLoad(preconditions);
    case 'target':
      return targetLoad(preconditions);
    default:
      return policy satisfies never;
  }
}

/** Undefined when the load does not say. */
export function aim(context: DecisionContext, reasons: Reasons): Aim | undefined {
  const { policy } = context;
  switch (policy.kind) {
    case 'steps':
      return aimBySteps(context, policy, reasons);
    case 'target':
      return aimByTarget(context, policy, reasons);
    default:
      return policy satisfies never;
  }
}

import type { StepLimit } from '../domain/policy.ts';
import type { Target } from '../domain/target.ts';
import { because, type DecisionContext, type Preconditions, type Reasons } from './decision-context.ts';

/** The counts that are allowed: by the control plane, and by a policy that never goes to zero. */
export function boundsOf(target: Target, scaleToZero: boolean): { min: number; max: number } {
  const { instancesMin, instancesMax: max } = target;
  return { min: Math.min(scaleToZero ? instancesMin : Math.max(1, instancesMin), max), max };
}

/** Limits how fast the wish moves, then where it may stand. The bounds come last, because they are promised. */
export function bound(context: DecisionContext, wanted: number, reasons: Reasons): number {
  return withinBounds(context, withinPace(context, wanted, reasons), reasons);
}

/** Also without any load to go by: the bounds are the operator's own word. */
export function withinBounds({ bounds }: Pick<Preconditions, 'bounds'>, wanted: number, reasons: Reasons): number {
  if (wanted < bounds.min) {
    because(reasons, 'floor', { min: bounds.min, aim: wanted });
    return bounds.min;
  }
  if (wanted > bounds.max) {
    because(reasons, 'ceiling', { max: bounds.max, aim: wanted });
    return bounds.max;
  }
  return wanted;
}

function withinPace(context: DecisionContext, wanted: number, reasons: Reasons): number {
  const { policy, standing } = context;
  const limit = wanted > standing ? policy.stepUp : wanted < standing ? policy.stepDown : undefined;
  if (!limit) return wanted;
  const start = wishAtStart(context, limit);
  // Never past the standing wish: a limit slows a move, and turns none around. And never at zero for want of a share.
  const paced =
    wanted > standing
      ? Math.min(
          wanted,
          Math.max(1, standing, start + limit.instances, Math.ceil((start * (100 + limit.percent)) / 100)),
        )
      : Math.max(
          wanted,
          Math.min(standing, start - limit.instances, Math.floor((start * (100 - limit.percent)) / 100)),
        );
  if (paced !== wanted) {
    because(reasons, 'step-limited', { aim: wanted, to: paced, start, periodSeconds: limit.periodSeconds });
  }
  return paced;
}

/** What was wanted when the period began. */
function wishAtStart({ standing, memory, situation }: DecisionContext, { periodSeconds }: StepLimit): number {
  const sinceMs = situation.nowMs - periodSeconds * 1000;
  let start = standing;
  for (let index = memory.moves.length - 2; index >= 0; index -= 2) {
    if ((memory.moves[index] as number) <= sinceMs) break;
    start -= memory.moves[index + 1] as number;
  }
  return Math.max(0, start);
}

import { checkBounds } from '../domain/parse-policy.ts';
import { boundsOf } from './bound.ts';
import { because, type Preconditions, type Reasons } from './decision-context.ts';
import { countActual, type Situation, standingWish } from './situation.ts';

/**
 * `met`: may be judged. `inactive`: known, and not to be scaled. `unmet`: too little is known to change anything, and that
 * includes the bounds and what operators asked for.
 */
export type CheckedPreconditions =
  | (Preconditions & { readonly kind: 'met' })
  | { readonly kind: 'inactive' | 'unmet'; readonly actual: number | undefined; readonly standing: number | undefined };

export function checkPreconditions(situation: Situation, reasons: Reasons): CheckedPreconditions {
  const { count: actual, isSound: isActualSound } = countActual(situation);
  const standing = standingWish(situation, actual);
  const unmet = { kind: 'unmet', actual, standing } as const;
  if (situation.blockedBy) {
    reasons.push(situation.blockedBy);
    return unmet;
  }
  const { target: knowledge } = situation;
  if (knowledge.state === 'gone') {
    because(reasons, 'gone', knowledge.detail === undefined ? {} : { detail: knowledge.detail });
    return unmet;
  }
  if (knowledge.state === 'barred') {
    because(reasons, 'barred', { detail: knowledge.detail });
    return unmet;
  }
  if (knowledge.state === 'unknown') {
    because(reasons, 'policy-unknown', { detail: knowledge.detail });
    return unmet;
  }
  const { target } = knowledge;
  if (target.status !== 'ACTIVE') {
    because(reasons, 'not-active', { status: target.status });
    return { kind: 'inactive', actual, standing };
  }
  if (checkBounds(target).length > 0) {
    const { instancesMin, instancesMax, concurrency } = target;
    because(reasons, 'bounds-inverted', { min: instancesMin, max: instancesMax, concurrency });
    return unmet;
  }
  if (standing === undefined) {
    because(reasons, 'instances-unknown', { instances: situation.signals.instances.quality });
    return unmet;
  }
  return { kind: 'met', situation, target, actual, isActualSound, standing, bounds: boundsOf(target, true) };
}

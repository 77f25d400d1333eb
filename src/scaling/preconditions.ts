import { checkBounds } from '../domain/parse-policy.ts';
import { boundsOf } from './bound.ts';
import { because, type Footing, type Reasons } from './decision-context.ts';
import { countActual, type Situation, standingWish } from './situation.ts';

/**
 * `firm`: may be judged. `at-rest`: known, and not to be scaled. `none`: too little is known to change anything, and that
 * includes the bounds and the word of people.
 */
export type FoundFooting =
  | (Footing & { readonly kind: 'firm' })
  | { readonly kind: 'at-rest' | 'none'; readonly actual: number | undefined; readonly standing: number | undefined };

export function findFooting(situation: Situation, reasons: Reasons): FoundFooting {
  const { count: actual, isSound: isActualSound } = countActual(situation);
  const standing = standingWish(situation, actual);
  const none = { kind: 'none', actual, standing } as const;
  if (situation.hindrance) {
    reasons.push(situation.hindrance);
    return none;
  }
  const { target: knowledge } = situation;
  if (knowledge.state === 'gone') {
    because(reasons, 'gone', knowledge.detail === undefined ? {} : { detail: knowledge.detail });
    return none;
  }
  if (knowledge.state === 'barred') {
    because(reasons, 'barred', { detail: knowledge.detail });
    return none;
  }
  if (knowledge.state === 'unknown') {
    because(reasons, 'policy-unknown', { detail: knowledge.detail });
    return none;
  }
  const { target } = knowledge;
  if (target.status !== 'ACTIVE') {
    because(reasons, 'not-active', { status: target.status });
    return { kind: 'at-rest', actual, standing };
  }
  if (checkBounds(target).length > 0) {
    const { instancesMin, instancesMax, concurrency } = target;
    because(reasons, 'bounds-inverted', { min: instancesMin, max: instancesMax, concurrency });
    return none;
  }
  if (standing === undefined) {
    because(reasons, 'instances-unknown', { instances: situation.signals.instances.quality });
    return none;
  }
  return { kind: 'firm', situation, target, actual, isActualSound, standing, bounds: boundsOf(target, true) };
}

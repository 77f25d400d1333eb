import type { Policy } from '../../domain/policy.ts';
import { because, type Footing, type Reasons, type View } from '../decision-context.ts';
import { type Evidence, weigh } from '../situation.ts';
import { aimBySteps } from './steps.ts';
import { aimByTarget, demandEvidence } from './target.ts';

/** The load that this kind of policy goes by. */
export function loadOf(policy: Policy, footing: Footing): Evidence {
  return policy.kind === 'steps' ? weigh(footing.situation.signals.utilisation) : demandEvidence(footing);
}

/** What the load asks for; undefined when it does not say. */
export function aim(view: View, reasons: Reasons): number | undefined {
  const { policy } = view;
  switch (policy.kind) {
    case 'steps':
      return isInFlight(view, reasons) ? view.standing : aimBySteps(view, policy, reasons);
    case 'target':
      return aimByTarget(view, policy, reasons);
    default:
      return policy satisfies never;
  }
}

/**
 * Nothing is decided while none is seen and more were asked for: a step from no instance would ask for one or two in place
 * of them. Only for a while, or a start that fails would block the version for ever. A target needs no such pause, its
 * answer does not depend on what runs.
 */
function isInFlight(view: View, reasons: Reasons): boolean {
  const { situation, actual, standing, memory } = view;
  if (actual !== 0 || standing === 0) return false;
  const sinceMs = memory.apartSinceMs ?? situation.nowMs;
  if (situation.nowMs - sinceMs >= situation.settings.inFlightMs) return false;
  because(reasons, 'in-flight', { standing, forSeconds: Math.round((situation.nowMs - sinceMs) / 1000) });
  return true;
}

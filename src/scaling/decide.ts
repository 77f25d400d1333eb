import type { Decision, Verdict } from '../domain/decision.ts';
import { describePolicy } from '../domain/policy.ts';
import { aim, loadOf } from './aim/aim.ts';
import { bound, boundsOf, withinBounds } from './bound.ts';
import { because, type Footing, type Reasons, type View } from './decision-context.ts';
import { withholdDecrease } from './fleet-freeze.ts';
import { hold, tellIfApart } from './hold.ts';
import type { Memory } from './memory.ts';
import { findOrders, obeyPeople } from './operator-controls.ts';
import { findFooting } from './preconditions.ts';
import { judgeActivity, type Situation } from './situation.ts';
import { witness } from './update-memory.ts';

export interface Decided {
  readonly decision: Decision;
  /** To be handed in next time, whatever becomes of the decision. */
  readonly memory: Memory;
}

/**
 * How many instances one function version should have, and why. Pure: the same code decides in production, in a dry
 * evaluation and in simulation. What the load asks for, what it is too early to believe, what is allowed, what people said.
 */
export function decide(situation: Situation): Decided {
  const reasons: Reasons = [];
  const footing = findFooting(situation, reasons);
  if (footing.kind !== 'firm') {
    const { actual, standing } = footing;
    const verdict: Verdict = footing.kind === 'at-rest' && standing !== undefined ? 'keep' : 'abstain';
    return {
      decision: conclude(situation, { verdict, standing, wanted: standing, actual, reasons }),
      memory: situation.memory,
    };
  }

  const judged = judge(footing, reasons);
  const unfrozen = judged.wanted ?? withinBounds(footing, footing.standing, reasons);
  const allowed = situation.isFleetFrozen ? withholdDecrease(footing.standing, unfrozen, reasons) : unfrozen;
  const orders = findOrders(situation.controls, situation.nowMs);
  const wanted = obeyPeople(footing, orders, allowed, reasons);
  const isAnswered = judged.wanted !== undefined || orders.pause !== undefined || orders.override !== undefined;
  const { standing, actual } = footing;
  if (situation.isUnconfirmed && wanted === standing && !orders.pause) because(reasons, 'unconfirmed', { wanted });
  const verdict = wanted > standing ? 'raise' : wanted < standing ? 'lower' : isAnswered ? 'keep' : 'abstain';
  return { decision: conclude(situation, { verdict, standing, wanted, actual, reasons }), memory: judged.memory };
}

/** Without a wanted count there is no answer: the data does not allow one. */
function judge(footing: Footing, reasons: Reasons): { wanted: number | undefined; memory: Memory } {
  const { situation, target } = footing;
  const knowledge = situation.policy;
  if (knowledge.state === 'unknown') {
    because(reasons, 'policy-unknown');
    return { wanted: undefined, memory: situation.memory };
  }
  const { policy } = knowledge;
  if (knowledge.state === 'last-known') {
    because(reasons, 'policy-stale', { ageSeconds: Math.round(knowledge.ageMs / 1000) });
  }
  const load = loadOf(policy, footing);
  const view: View = {
    ...footing,
    bounds: boundsOf(target, policy.scaleToZero),
    policy,
    activity: judgeActivity(situation, policy.idleTimeoutSeconds),
    load,
    memory: witness(footing, load.quality),
  };
  const aimed = aim(view, reasons);
  tellIfApart(view, reasons);
  if (aimed === undefined) return { wanted: undefined, memory: view.memory };
  const held = hold(view, aimed, reasons);
  return { wanted: bound(view, held.wanted, reasons), memory: held.memory };
}

function conclude(
  situation: Situation,
  found: {
    verdict: Verdict;
    standing: number | undefined;
    wanted: number | undefined;
    actual: number | undefined;
    reasons: Reasons;
  },
): Decision {
  const { policy } = situation;
  return {
    verdict: found.verdict,
    previous: found.standing,
    actual: found.actual,
    wanted: found.wanted,
    reasons: found.reasons,
    policy: policy.state === 'unknown' ? 'unknown' : describePolicy(policy.policy),
    atMs: situation.nowMs,
    signals: situation.signals,
  };
}

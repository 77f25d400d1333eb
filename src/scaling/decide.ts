import type { Decision, Verdict } from '../domain/decision.ts';
import { describePolicy } from '../domain/policy.ts';
import { aim, loadOf } from './aim/aim.ts';
import { bound, boundsOf, withinBounds } from './bound.ts';
import { because, type DecisionContext, type Preconditions, type Reasons } from './decision-context.ts';
import { withholdDecrease } from './fleet-freeze.ts';
import { hold, reportNotConverging } from './hold.ts';
import type { Memory } from './memory.ts';
import { activeControls, applyControls } from './operator-controls.ts';
import { checkPreconditions } from './preconditions.ts';
import { judgeActivity, type Situation } from './situation.ts';
import { updateMemory } from './update-memory.ts';
import { guardZero } from './zero.ts';

export interface Decided {
  readonly decision: Decision;
  /** To be handed in next time, whatever becomes of the decision. */
  readonly memory: Memory;
}

/**
 * How many instances one function version should have, and why. Pure: the same code decides in production, in a dry
 * evaluation and in simulation. In order: what the load asks for, whether it may go to zero, what it is too early to believe,
 * what is allowed, what operators asked for.
 */
export function decide(situation: Situation): Decided {
  const reasons: Reasons = [];
  const checked = checkPreconditions(situation, reasons);
  const { actual, standing } = checked;
  if (checked.kind !== 'met') {
    const verdict: Verdict = checked.kind === 'inactive' && standing !== undefined ? 'keep' : 'abstain';
    return {
      decision: conclude(situation, { verdict, previous: standing, wanted: standing, actual, reasons }),
      memory: situation.memory,
    };
  }

  const judged = judge(checked, reasons);
  const unfrozen = judged.wanted ?? withinBounds(checked, checked.standing, reasons);
  const allowed = situation.isFleetFrozen ? withholdDecrease(checked.standing, unfrozen, reasons) : unfrozen;
  const controls = activeControls(situation.controls, situation.nowMs);
  const wanted = applyControls(checked, controls, allowed, reasons);
  const isAnswered = judged.wanted !== undefined || controls.pause !== undefined || controls.override !== undefined;
  if (situation.isUnconfirmed && wanted === standing && !controls.pause) because(reasons, 'unconfirmed', { wanted });
  const verdict =
    wanted > checked.standing ? 'raise' : wanted < checked.standing ? 'lower' : isAnswered ? 'keep' : 'abstain';
  return {
    decision: conclude(situation, { verdict, previous: standing, wanted, actual, reasons }),
    memory: judged.memory,
  };
}

/** Without a wanted count there is no answer: the data does not allow one. */
function judge(preconditions: Preconditions, reasons: Reasons): { wanted: number | undefined; memory: Memory } {
  const { situation, target } = preconditions;
  const knowledge = situation.policy;
  if (knowledge.state === 'unknown') {
    because(reasons, 'policy-unknown');
    return { wanted: undefined, memory: situation.memory };
  }
  const { policy } = knowledge;
  if (knowledge.state === 'last-known') {
    because(reasons, 'policy-stale', { ageSeconds: Math.round(knowledge.ageMs / 1000) });
  }
  const load = loadOf(policy, preconditions);
  const context: DecisionContext = {
    ...preconditions,
    bounds: boundsOf(target, policy.scaleToZero),
    policy,
    activity: judgeActivity(situation, policy.idleTimeoutSeconds),
    load,
    memory: updateMemory(preconditions, load.quality),
  };
  const aimed = guardZero(context, aim(context, reasons), reasons);
  reportNotConverging(context, reasons);
  if (aimed === undefined) return { wanted: undefined, memory: context.memory };
  const held = hold(context, aimed, reasons);
  return { wanted: bound(context, held.wanted, reasons), memory: held.memory };
}

function conclude(
  situation: Situation,
  found: Pick<Decision, 'verdict' | 'previous' | 'wanted' | 'actual' | 'reasons'>,
): Decision {
  const { policy } = situation;
  return {
    verdict: found.verdict,
    previous: found.previous,
    actual: found.actual,
    wanted: found.wanted,
    reasons: found.reasons,
    policy: policy.state === 'unknown' ? 'unknown' : describePolicy(policy.policy),
    atMs: situation.nowMs,
    signals: situation.signals,
  };
}

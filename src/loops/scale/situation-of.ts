import { isUnconfirmed, standingOf } from '../../domain/function-state.ts';
import type { Policy } from '../../domain/policy.ts';
import type { TargetAnswer } from '../../ports/target-source.ts';
import type { DecidingSettings } from '../../scaling/deciding-settings.ts';
import type { PolicyKnowledge, Situation, TargetKnowledge } from '../../scaling/situation.ts';
import type { Tracked } from './tracked.ts';

/** Named as in the configuration, where each is explained. */
export interface SituationSettings {
  readonly deciding: DecidingSettings;
  /** For versions whose control plane names no policy. */
  readonly defaultPolicy: Policy;
  readonly controlPlane: { readonly targetsRefreshMs: number };
}

/** An answer that this many refreshes have not renewed counts as last known. */
const MISSED_REFRESHES = 3;

/** Puts together what one decision is made from. The same for the loop and for the commands that only look. */
export function situationOf(
  tracked: Tracked,
  facts: Pick<Situation, 'signals' | 'controls' | 'isFleetFrozen' | 'blockedBy' | 'nowMs'> & { target: TargetAnswer },
  settings: SituationSettings,
): Situation {
  const target = knowTarget(tracked, facts.target, facts.nowMs);
  return {
    nowMs: facts.nowMs,
    signals: facts.signals,
    target,
    policy: knowPolicy(target, settings),
    previous: tracked.state && standingOf(tracked.state),
    isUnconfirmed: tracked.isUnsettled || (tracked.state !== undefined && isUnconfirmed(tracked.state)),
    memory: tracked.isPastKnown ? tracked.memory : { ...tracked.memory, cycles: 0 },
    controls: facts.controls,
    isFleetFrozen: facts.isFleetFrozen,
    blockedBy: facts.blockedBy,
    settings: settings.deciding,
  };
}

/** What the source says; where it has never said anything, what the durable row remembers. */
function knowTarget(tracked: Tracked, answer: TargetAnswer, nowMs: number): TargetKnowledge {
  if (answer.state === 'known') {
    if (tracked.lastKnown?.target !== answer.target)
      tracked.lastKnown = { target: answer.target, atMs: nowMs - answer.ageMs };
    return answer;
  }
  if (answer.state !== 'unknown' || !tracked.lastKnown) return answer;
  return { state: 'known', target: tracked.lastKnown.target, ageMs: Math.max(0, nowMs - tracked.lastKnown.atMs) };
}

function knowPolicy(target: TargetKnowledge, { defaultPolicy, controlPlane }: SituationSettings): PolicyKnowledge {
  if (target.state !== 'known') return { state: 'unknown' };
  const policy = target.target.policy ?? defaultPolicy;
  if (target.ageMs > controlPlane.targetsRefreshMs * MISSED_REFRESHES)
    return { state: 'last-known', policy, ageMs: target.ageMs };
  return { state: target.target.policy ? 'known' : 'default', policy };
}

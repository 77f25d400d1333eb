import type { Control } from '../domain/control.ts';
import type { Decision } from '../domain/decision.ts';
import { because, type Reasons } from './decision-context.ts';
import type { Memory } from './memory.ts';

/** Named as in the configuration (`freeze`). */
export const FREEZE_DEFAULTS = {
  enabled: true,
  /** Per cent of the versions that run something; more than that at once is an accident until shown otherwise. */
  percent: 30,
  /** Fewer versions than this freeze nothing: in a small fleet a third is soon reached. */
  minimum: 10,
  /** How long it must have been calm before a freeze ends by itself. */
  calmMs: 300_000,
};

export type FreezeSettings = Readonly<typeof FREEZE_DEFAULTS>;

/** One cycle in numbers. Only versions of which something is wanted count: at zero there is nothing to lose. */
export interface FleetTally {
  versions: number;
  /** Had load to go by once, and have none now. */
  blind: number;
  /** Lowered, or would be but for the freeze. */
  falling: number;
  wantedBefore: number;
  wantedAfter: number;
}

type FreezeCause = 'signals-lost' | 'versions-falling' | 'total-falling';

/** Between cycles. */
export interface FreezeMemory {
  readonly frozenSinceMs: number | undefined;
  readonly cause: FreezeCause | undefined;
  readonly calmSinceMs: number | undefined;
}

export const UNFROZEN: FreezeMemory = { frozenSinceMs: undefined, cause: undefined, calmSinceMs: undefined };

export interface FreezeJudgement {
  readonly isFrozen: boolean;
  /** An operator lets decreases through for now, though it would be frozen. */
  readonly isReleased: boolean;
  readonly memory: FreezeMemory;
}

export const NOT_FROZEN: FreezeJudgement = { isFrozen: false, isReleased: false, memory: UNFROZEN };

export function newTally(): FleetTally {
  return { versions: 0, blind: 0, falling: 0, wantedBefore: 0, wantedAfter: 0 };
}

/** Counts one decision; `memory` is the one that came with it. */
export function tallyDecision(tally: FleetTally, { decision, memory }: { decision: Decision; memory: Memory }): void {
  const { previous, wanted } = decision;
  if (previous === undefined || wanted === undefined || previous === 0) return;
  const asked = withheldBy(decision) ?? wanted;
  tally.versions += 1;
  tally.wantedBefore += previous;
  tally.wantedAfter += asked;
  if (asked < previous) tally.falling += 1;
  if (memory.wasSighted && memory.blindSinceMs !== undefined) tally.blind += 1;
}

/**
 * Guards the fleet against one cause that lowers everything: a store that answers, and answers wrong. No other rule sees
 * more than one version. Freezes at once, and thaws when it has been calm for a while or an operator releases it.
 */
export function judgeFleet(options: {
  tally: FleetTally;
  memory: FreezeMemory;
  settings: FreezeSettings;
  controls: readonly Control[];
  nowMs: number;
}): FreezeJudgement {
  const { tally, memory, settings, controls, nowMs } = options;
  const alarm = findAlarm(tally, settings);
  if (controls.some(({ kind, until }) => kind === 'freeze-release' && until > nowMs)) {
    return { ...NOT_FROZEN, isReleased: alarm !== undefined || memory.frozenSinceMs !== undefined };
  }
  if (alarm) {
    const frozenSinceMs = memory.frozenSinceMs ?? nowMs;
    return { isFrozen: true, isReleased: false, memory: { frozenSinceMs, cause: alarm, calmSinceMs: undefined } };
  }
  const calmSinceMs = memory.calmSinceMs ?? nowMs;
  if (memory.frozenSinceMs === undefined || nowMs - calmSinceMs >= settings.calmMs) return NOT_FROZEN;
  return { isFrozen: true, isReleased: false, memory: { ...memory, calmSinceMs } };
}

function findAlarm(tally: FleetTally, { percent, minimum }: FreezeSettings): FreezeCause | undefined {
  const isMany = (count: number) => count >= minimum && count * 100 > tally.versions * percent;
  if (isMany(tally.blind)) return 'signals-lost';
  if (isMany(tally.falling)) return 'versions-falling';
  const fallen = tally.wantedBefore - tally.wantedAfter;
  if (tally.falling >= minimum && fallen * 100 > tally.wantedBefore * percent) return 'total-falling';
  return undefined;
}

/** A decision as it is under a freeze that was found only after it was made. */
export function freezeDecision(decision: Decision): Decision {
  const { previous, wanted, verdict } = decision;
  if (verdict !== 'lower' || previous === undefined || wanted === undefined) return decision;
  // An operator who asked for this version by name has seen what the guard wants looked at.
  if (decision.reasons.some(({ code }) => code === 'overridden')) return decision;
  const reasons = [...decision.reasons];
  return { ...decision, verdict: 'keep', wanted: withholdDecrease(previous, wanted, reasons), reasons };
}

/** No decrease while the fleet is frozen. */
export function withholdDecrease(standing: number, wanted: number, reasons: Reasons): number {
  if (wanted >= standing) return wanted;
  because(reasons, 'fleet-frozen', { aim: wanted });
  return standing;
}

function withheldBy(decision: Decision): number | undefined {
  for (const { code, facts } of decision.reasons) {
    if (code === 'fleet-frozen' && typeof facts['aim'] === 'number') return facts['aim'];
  }
  return undefined;
}

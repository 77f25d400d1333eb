import { because, type DecisionContext, type Reasons } from './decision-context.ts';
import { type Memory, revise } from './memory.ts';
import { stabilise } from './stabilise.ts';

const NEVER_MS = Number.NEGATIVE_INFINITY;

/** What the load asks for, less what it is too early to believe. Holding only ever keeps to the standing wish. */
export function hold(context: DecisionContext, aim: number, reasons: Reasons): { wanted: number; memory: Memory } {
  const { standing, memory } = context;
  if (lacksEvidenceToLower(context, aim, reasons)) return { wanted: standing, memory };
  const stable = stabilise(context, aim, reasons);
  const wanted = stable.wanted === standing ? standing : holdForCooldown(context, stable.wanted, reasons);
  const { highs, lows } = stable;
  const isSame = highs === memory.highs && lows === memory.lows;
  return { wanted, memory: isSame ? memory : revise(memory, { ...memory, highs, lows }) };
}

/** Whether this is a lowering that the evidence does not carry. */
function lacksEvidenceToLower(context: DecisionContext, aim: number, reasons: Reasons): boolean {
  const { standing, memory, load, actual, situation } = context;
  const { nowMs, settings } = situation;
  if (aim >= standing) return false;
  // The aim has reported already that samples are partial.
  if (load.quality !== 'fresh') return true;
  if (memory.cycles <= settings.firstCycles) {
    because(reasons, 'first-cycles', { cycle: memory.cycles, of: settings.firstCycles, aim });
    return true;
  }
  if (memory.recoveredMs !== undefined) {
    because(reasons, 'recovering', { seenForSeconds: Math.round((nowMs - memory.recoveredMs) / 1000), aim });
    return true;
  }
  if (actual === 0 && aim > 0) {
    // None runs that could be lightly loaded. Only idleness ends such a wish.
    because(reasons, 'in-flight', { standing, aim });
    return true;
  }
  return false;
}

/** No raise too soon after a raise, no lowering too soon after any change. */
function holdForCooldown(context: DecisionContext, wanted: number, reasons: Reasons): number {
  const { policy, standing, memory, situation } = context;
  const isRaise = wanted > standing;
  // A function at rest wakes at once: a caller is waiting.
  if (isRaise && standing === 0) return wanted;
  const cooldownMs = (isRaise ? policy.cooldownUpSeconds : policy.cooldownDownSeconds) * 1000;
  const { raisedMs = NEVER_MS, loweredMs = NEVER_MS } = memory;
  const leftMs = (isRaise ? raisedMs : Math.max(raisedMs, loweredMs)) + cooldownMs - situation.nowMs;
  if (cooldownMs === 0 || leftMs <= 0) return wanted;
  because(reasons, 'held-by-cooldown', { aim: wanted, leftSeconds: Math.ceil(leftMs / 1000) });
  return standing;
}

/** A wish that was accepted and is not followed is reported; it is no cause to ask for more. */
export function reportNotConverging(context: DecisionContext, reasons: Reasons): void {
  const { memory, situation, standing, actual } = context;
  if (memory.divergedSinceMs === undefined || actual === undefined) return;
  const divergedMs = situation.nowMs - memory.divergedSinceMs;
  if (divergedMs < situation.settings.convergeWithinMs) return;
  because(reasons, 'not-converging', { wanted: standing, actual, forSeconds: Math.round(divergedMs / 1000) });
}

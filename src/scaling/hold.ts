import { holdForCooldown } from './cooldown.ts';
import { because, type Reasons, type View } from './decision-context.ts';
import { type Memory, revise } from './memory.ts';
import { stabilise } from './stabilise.ts';

export interface Held {
  readonly wanted: number;
  readonly memory: Memory;
}

/** What the load asks for, less what it is too early to believe. Holding only ever keeps to the standing wish. */
export function hold(view: View, aim: number, reasons: Reasons): Held {
  const { standing, memory } = view;
  if (isDoubtful(view, aim, reasons)) return { wanted: standing, memory };
  const stable = stabilise(view, aim, reasons);
  const wanted = stable.wanted === standing ? standing : holdForCooldown(view, stable.wanted, reasons);
  const { highs, lows } = stable;
  const isSame = highs === memory.highs && lows === memory.lows;
  return { wanted, memory: isSame ? memory : revise(memory, { ...memory, highs, lows }) };
}

/** Whether this is a lowering that the evidence does not carry. */
function isDoubtful(view: View, aim: number, reasons: Reasons): boolean {
  const { standing, memory, load, actual, situation } = view;
  const { nowMs, settings } = situation;
  if (aim >= standing) return false;
  // The aim has said already that samples are partial.
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

/** A wish that was accepted and is not followed; told, and no cause to ask for more. */
export function tellIfApart(view: View, reasons: Reasons): void {
  const { memory, situation, standing, actual } = view;
  if (memory.apartSinceMs === undefined || actual === undefined) return;
  const apartMs = situation.nowMs - memory.apartSinceMs;
  if (apartMs < situation.settings.convergeWithinMs) return;
  because(reasons, 'not-converging', { wanted: standing, actual, forSeconds: Math.round(apartMs / 1000) });
}

import { because, type DecisionContext, type Reasons } from './decision-context.ts';
import type { Memory } from './memory.ts';

/** A window is kept as at most this many steps: enough that none of them matters. */
const STEPS_PER_WINDOW = 30;

/**
 * Stabilisation as Kubernetes' HPA has it: raise no higher than the lowest aim of the up window, lower no further than the
 * highest of the down window, which is never shorter than load takes to fade. Only aims that are still the extreme of some span to come are kept, which is one for a
 * fleet at rest.
 */
export function stabilise(
  context: DecisionContext,
  aim: number,
  reasons: Reasons,
): Pick<Memory, 'highs' | 'lows'> & { wanted: number } {
  const { policy, standing, memory, situation } = context;
  const { nowMs, settings } = situation;
  const upMs = policy.stabilisationUpSeconds * 1000;
  const downMs = Math.max(policy.stabilisationDownSeconds * 1000, settings.fadeMs);

  let { highs, lows } = memory;
  if (downMs > 0) {
    // After a gap the aims before it are not known; the wish itself was one.
    const newestMs = highs[highs.length - 2];
    if (newestMs === undefined || nowMs - newestMs > settings.memoryGapMs) highs = [nowMs, standing];
    highs = extend(highs, { nowMs, windowMs: downMs, aim }, (older, newer) => older > newer);
  } else highs = NONE;
  lows = upMs > 0 ? extend(lows, { nowMs, windowMs: upMs, aim }, (older, newer) => older < newer) : NONE;

  // A function at rest wakes at once: a caller is waiting.
  if (aim > standing && upMs > 0 && standing > 0) {
    const lowest = Math.max(standing, lows[1] ?? aim);
    if (lowest < aim) {
      because(reasons, 'held-by-stabilisation', { aim, to: lowest, windowSeconds: policy.stabilisationUpSeconds });
    }
    return { wanted: lowest, highs, lows };
  }
  if (aim < standing && downMs > 0) {
    const highest = Math.min(standing, highs[1] ?? aim);
    if (highest > aim) {
      because(reasons, 'held-by-stabilisation', { aim, to: highest, windowSeconds: downMs / 1000 });
    }
    return { wanted: highest, highs, lows };
  }
  return { wanted: aim, highs, lows };
}

const NONE: readonly number[] = [];

/** Flat pairs, oldest first, each the extreme of everything after it; the first is the extreme of the window. */
function extend(
  pairs: readonly number[],
  { nowMs, windowMs, aim }: { nowMs: number; windowMs: number; aim: number },
  outlasts: (older: number, newer: number) => boolean,
): readonly number[] {
  const kept: number[] = [];
  const slotMs = windowMs / STEPS_PER_WINDOW;
  for (let index = 0; index < pairs.length; index += 2) {
    const [atMs, count] = [pairs[index] as number, pairs[index + 1] as number];
    if (nowMs - atMs >= windowMs || !outlasts(count, aim)) continue;
    // Two of one step become one: the more extreme, as young as the younger.
    const lastMs = kept[kept.length - 2];
    if (lastMs !== undefined && Math.floor(lastMs / slotMs) === Math.floor(atMs / slotMs)) kept[kept.length - 2] = atMs;
    else kept.push(atMs, count);
  }
  // Cut to size: an array that was pushed to has room for 17, and every version keeps one.
  return kept.length === 0 ? [nowMs, aim] : [...kept, nowMs, aim].slice();
}

import type { Quality } from '../domain/signal.ts';
import type { Preconditions } from './decision-context.ts';
import { type Memory, revise } from './memory.ts';
import { isUsable, weigh } from './situation.ts';

/** Older changes than any period looks back are dropped; so many within one are merged. */
const MOVES_KEPT_MS = 3_600_000;
const MOVES_MAX = 2 * 32;

/**
 * Brings memory up to what happened since the last evaluation. A raise or lowering is one that the control plane accepted,
 * seen as a change of the accepted wish: a write that failed, or was never sent, is not remembered as done.
 */
export function updateMemory({ situation, actual, standing }: Preconditions, loadQuality: Quality): Memory {
  const { memory, nowMs, signals, settings } = situation;
  // What merely runs, where nothing was ever accepted, is no wish.
  const previous = situation.previous === undefined ? undefined : standing;
  let { wish, raisedMs, loweredMs, divergedSinceMs, moves } = memory;
  if (previous !== wish) {
    if (wish !== undefined && previous !== undefined) {
      if (previous > wish) raisedMs = nowMs;
      else loweredMs = nowMs;
      moves = remember(moves, nowMs, previous - wish);
    }
    wish = previous;
    divergedSinceMs = undefined;
  }
  if (moves.length > 0) moves = dropOld(moves, nowMs - MOVES_KEPT_MS);
  if (previous === undefined || actual === undefined || actual === previous) divergedSinceMs = undefined;
  else divergedSinceMs ??= nowMs;

  let { blindSinceMs, recoveredMs, wasSighted } = memory;
  if (isUsable(loadQuality)) {
    if (blindSinceMs !== undefined && wasSighted && nowMs - blindSinceMs > settings.blindToleranceMs) {
      recoveredMs = nowMs;
    } else if (recoveredMs !== undefined && nowMs - recoveredMs >= settings.recoveryMs) {
      recoveredMs = undefined;
    }
    blindSinceMs = undefined;
    wasSighted = true;
  } else {
    blindSinceMs ??= nowMs;
  }
  return revise(memory, {
    cycles: Math.min(memory.cycles + 1, settings.firstCycles + 1),
    wish,
    raisedMs,
    loweredMs,
    divergedSinceMs,
    wasSighted,
    blindSinceMs,
    recoveredMs,
    demandProfile: isUsable(weigh(signals.demand).quality) ? signals.profile : memory.demandProfile,
    highs: memory.highs,
    lows: memory.lows,
    moves,
  });
}

function remember(moves: readonly number[], atMs: number, difference: number): readonly number[] {
  if (moves.length < MOVES_MAX) return [...moves, atMs, difference];
  // The two oldest become one that counts as the younger: it limits for longer, never for less.
  const [, first = 0, secondMs = atMs, second = 0, ...rest] = moves;
  return [secondMs, first + second, ...rest, atMs, difference];
}

function dropOld(moves: readonly number[], sinceMs: number): readonly number[] {
  let kept = 0;
  while (kept < moves.length && (moves[kept] as number) < sinceMs) kept += 2;
  return kept === 0 ? moves : moves.slice(kept);
}

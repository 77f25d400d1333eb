import type { TargetPolicy } from '../../domain/policy.ts';
import { numberFact } from '../../domain/reason.ts';
import type { Window } from '../../domain/signal.ts';
import {
  type Aim,
  because,
  COUNT_MAX,
  type DecisionContext,
  noteLoadQuality,
  type Preconditions,
  type Reasons,
} from '../decision-context.ts';
import { isUsable, weigh } from '../situation.ts';

/** Below this much of one call there is nothing to do; a mean decays towards zero but need not get there. */
const IDLE_DEMAND_MAX = 0.01;
/** How far a raise goes when capacity is known to be missing and by how much is not. */
const BLIND_STEP = 1.2;
/** 2.1 / 0.7 is a little above 3: so small a remainder must not cost an instance. */
const EPSILON = 1e-9;

/**
 * Divides demand by what an instance should carry. The answer is absolute: instances that are still starting are in it, so
 * a backlog that waits for them does not ask for them twice, and from zero the backlog gives the size of the start.
 */
export function aimByTarget(context: DecisionContext, policy: TargetPolicy, reasons: Reasons): Aim | undefined {
  const { load, standing, target, activity } = context;
  if (!isUsable(load.quality)) {
    // Demand that would follow from utilisation needs a count that is not known.
    if (context.actual === undefined && isUsable(weigh(context.situation.signals.utilisation).quality)) {
      because(reasons, 'instances-unknown');
    }
    noteLoadQuality(context, reasons);
    return undefined;
  }
  noteLoadQuality(context, reasons);

  const { demand, latest } = demandOf(load, context.situation.nowMs, policy.windowSeconds);
  const perInstance = policy.target * target.concurrency;
  const raw = Math.min(COUNT_MAX, Math.ceil((demand / perInstance) * (1 - EPSILON)));
  if (latest === Number.POSITIVE_INFINITY) {
    const step = Math.ceil(Math.max(1, context.actual ?? standing) * BLIND_STEP);
    because(reasons, 'capacity-missing', { demand: '+Inf', step });
    return { count: Math.max(standing, step, raw) };
  }
  if (demand < IDLE_DEMAND_MAX) {
    if (standing > 1 && activity !== 'idle') because(reasons, 'no-load');
    return { count: 0 };
  }

  const facts = { demand: numberFact(demand), perInstance: numberFact(perInstance), aim: raw };
  if (standing === 0) because(reasons, 'backlog-from-zero', facts);
  else if (raw > standing) because(reasons, 'load-above-target', facts);
  else if (raw < standing) because(reasons, 'load-below-target', facts);
  else because(reasons, 'load-within-band', facts);
  if (context.actual !== undefined && raw > context.actual && context.actual < standing && raw <= standing) {
    because(reasons, 'starting-credited', { actual: context.actual, standing });
  }
  return { count: raw };
}

/**
 * The higher of the newest sample and the mean: a rise counts at once, a fall only as the mean follows. Infinities are left
 * out of the mean; a newest sample that is one is dealt with apart.
 */
function demandOf(load: Window, nowMs: number, windowSeconds: number): { demand: number; latest: number } {
  const latest = load.samples[load.samples.length - 1]?.value ?? 0;
  const sinceMs = nowMs - windowSeconds * 1000;
  let sum = 0;
  let count = 0;
  for (const { atMs, value } of load.samples) {
    if (atMs < sinceMs || value === Number.POSITIVE_INFINITY) continue;
    sum += value;
    count += 1;
  }
  const mean = count > 0 ? sum / count : 0;
  return { demand: latest === Number.POSITIVE_INFINITY ? mean : Math.max(latest, mean), latest };
}

/**
 * Demand where it is measured; else what utilisation of the running instances amounts to (Little's law). That stands in for
 * a profile that has no demand. Where the profile showed demand before, it is demand that is missing, with whatever was
 * queued; then the rest may only raise.
 */
export function targetLoad(preconditions: Preconditions): Window {
  const { situation, actual, target } = preconditions;
  const { demand, profile } = situation.signals;
  const measured = weigh(demand);
  if (measured.quality !== 'absent') return measured;
  const utilisation = weigh(situation.signals.utilisation);
  if (!isUsable(utilisation.quality) || actual === undefined) return measured;
  const isLost = profile !== undefined && situation.memory.demandProfile === profile;
  // Load that is reported while no instance is counted must not come to nothing.
  const slots = Math.max(1, actual) * target.concurrency;
  return {
    quality: isLost || !preconditions.isActualSound ? 'partial' : utilisation.quality,
    samples: utilisation.samples.map(({ atMs, value }) => ({ atMs, value: (value / 100) * slots })),
  };
}

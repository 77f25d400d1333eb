import type { TargetPolicy } from '../../domain/policy.ts';
import { numberFact } from '../../domain/reason.ts';
import { because, COUNT_MAX, type Footing, type Reasons, type View } from '../decision-context.ts';
import { type Evidence, isUsable, weigh } from '../situation.ts';
import { aimWithoutLoad, calledAgoSeconds, doubtLoad } from './no-load.ts';

/** Below this much of one call there is nothing to do; a mean decays towards zero but need not get there. */
const NOTHING = 0.01;
/** How far a raise goes when capacity is known to be missing and by how much is not. */
const BLIND_STEP = 1.2;
/** 2.1 / 0.7 is a little above 3: such crumbs must not cost an instance. */
const CRUMB = 1e-9;

/**
 * Divides demand by what an instance should carry. The answer is absolute: instances that are still starting are in it, so
 * a backlog that waits for them does not ask for them twice, and from zero the backlog gives the size of the start.
 */
export function aimByTarget(view: View, policy: TargetPolicy, reasons: Reasons): number | undefined {
  const { load, standing, target } = view;
  if (!isUsable(load.quality)) {
    // Demand that would follow from utilisation needs a count that is not known.
    if (view.actual === undefined && isUsable(weigh(view.situation.signals.utilisation).quality)) {
      because(reasons, 'instances-unknown');
    }
    return aimWithoutLoad(view, reasons);
  }
  doubtLoad(view, reasons);

  const { demand, latest } = demandOf(load, view.situation.nowMs, policy.windowSeconds);
  const perInstance = policy.target * target.concurrency;
  const raw = Math.min(COUNT_MAX, Math.ceil((demand / perInstance) * (1 - CRUMB)));
  if (latest === Number.POSITIVE_INFINITY) {
    const step = Math.ceil(Math.max(1, view.actual ?? standing) * BLIND_STEP);
    because(reasons, 'capacity-missing', { demand: '+Inf', step });
    return Math.max(standing, step, raw);
  }
  if (demand < NOTHING) return aimWithNothingToDo(view, policy, raw, reasons);

  const facts = { demand: numberFact(demand), perInstance: numberFact(perInstance), aim: raw };
  if (standing === 0) because(reasons, 'backlog-from-zero', facts);
  else if (raw > standing) because(reasons, 'load-above-target', facts);
  else if (raw < standing) because(reasons, 'load-below-target', facts);
  else because(reasons, 'load-within-band', facts);
  if (view.actual !== undefined && raw > view.actual && view.actual < standing && raw <= standing) {
    because(reasons, 'starting-credited', { actual: view.actual, standing });
  }
  return raw;
}

function aimWithNothingToDo(view: View, policy: TargetPolicy, raw: number, reasons: Reasons): number {
  const { standing, activity, situation } = view;
  switch (activity) {
    case 'idle':
      because(reasons, 'idle', { idleSeconds: policy.idleTimeoutSeconds });
      return 0;
    case 'called':
      if (standing === 0) {
        // The call that was seen may be one that waits where demand does not show it.
        because(reasons, 'capacity-missing', { calledAgoSeconds: calledAgoSeconds(view) });
      } else {
        if (standing > 1) because(reasons, 'no-load');
        because(reasons, 'recent-invocation', { agoSeconds: calledAgoSeconds(view) });
      }
      return Math.max(1, raw);
    case 'unproven':
      if (standing > 1) because(reasons, 'no-load');
      because(reasons, 'idle-unproven', { invocation: situation.signals.invocation.quality });
      return Math.min(standing, Math.max(1, raw));
    default:
      return activity satisfies never;
  }
}

/**
 * The higher of the newest sample and the mean: a rise counts at once, a fall only as the mean follows. Infinities are left
 * out of the mean; a newest sample that is one is told apart.
 */
function demandOf(load: Evidence, nowMs: number, windowSeconds: number): { demand: number; latest: number } {
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
export function demandEvidence(footing: Footing): Evidence {
  const { situation, actual, target } = footing;
  const { demand, profile } = situation.signals;
  const measured = weigh(demand);
  if (measured.quality !== 'absent') return measured;
  const utilisation = weigh(situation.signals.utilisation);
  if (!isUsable(utilisation.quality) || actual === undefined) return measured;
  const isLost = profile !== undefined && situation.memory.demandProfile === profile;
  // Load that is reported while no instance is counted must not come to nothing.
  const slots = Math.max(1, actual) * target.concurrency;
  return {
    quality: isLost || !footing.isActualSound ? 'partial' : utilisation.quality,
    samples: utilisation.samples.map(({ atMs, value }) => ({
      atMs,
      value: (value / 100) * slots,
    })),
  };
}

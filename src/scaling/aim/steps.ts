import type { StepsPolicy } from '../../domain/policy.ts';
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
import { isUnderBand, type Step, type StepBand, type StepEdge, takeStep } from './step-rule.ts';

/** Steps go by utilisation. */
export function stepsLoad({ situation }: Preconditions): Window {
  return weigh(situation.signals.utilisation);
}

/**
 * Steps up and down by factors when utilisation leaves a band. Relative to what runs, never to what was asked for: while
 * instances start, the same overload asks for the same count again rather than for more each time.
 */
export function aimBySteps(context: DecisionContext, policy: StepsPolicy, reasons: Reasons): Aim | undefined {
  const { load, actual, standing, activity } = context;
  if (isInFlight(context, reasons)) return { count: standing };
  const isCounted = actual !== undefined;
  if (isUsable(load.quality) && !isCounted) because(reasons, 'instances-unknown');
  noteLoadQuality(context, reasons);
  if (!isUsable(load.quality) || !isCounted) return undefined;

  const band = bandOf(policy, context.situation.settings.stepMs);
  const taken = takeStep(
    load.samples.map(({ value }) => value),
    actual,
    band,
  );
  const step = { ...taken, count: Math.min(taken.count, COUNT_MAX) };
  const low = isUnderBand(step, band) ? { mean: numberFact(step.mean) } : undefined;
  // Which step it would be is of no interest where nothing needs to run.
  if (low && activity === 'idle') return { count: 0, low };
  explainStep(context, policy, step, reasons);
  const count = countAfter(context, step, { isLow: low !== undefined, reasons });
  return low ? { count, low } : { count };
}

function countAfter(
  { standing, activity, isActualSound }: DecisionContext,
  step: Step,
  { isLow, reasons }: { isLow: boolean; reasons: Reasons },
): number {
  // At rest. A call wakes it, and so does load; that calls cannot be seen does not.
  if (standing === 0) return step.direction === 'up' || activity === 'called' || !isLow ? step.count : 0;
  switch (step.direction) {
    case 'up':
      return Math.max(standing, step.count);
    case 'down':
      if (isActualSound) return Math.min(standing, step.count);
      // A step down from too low a count would go too far down.
      because(reasons, 'partial-samples', { signal: 'instances' });
      return standing;
    case 'hold':
      // Not back to what runs: the rest of the wish may just be starting.
      return standing;
    default:
      return step.direction satisfies never;
  }
}

/**
 * Nothing is decided while none is seen and more were asked for: a step from no instance would ask for one or two in place
 * of them. Only for a while, or a start that fails would block the version for good. A target needs no such pause, its
 * answer does not depend on what runs.
 */
function isInFlight(context: DecisionContext, reasons: Reasons): boolean {
  const { situation, actual, standing, memory } = context;
  if (actual !== 0 || standing === 0) return false;
  const sinceMs = memory.divergedSinceMs ?? situation.nowMs;
  if (situation.nowMs - sinceMs >= situation.settings.inFlightMs) return false;
  because(reasons, 'in-flight', { standing, forSeconds: Math.round((situation.nowMs - sinceMs) / 1000) });
  return true;
}

/** Stickiness and decay are given in minutes; where samples are closer together, more of them make a minute. */
function bandOf(policy: StepsPolicy, stepMs: number): StepBand {
  const edge = ({ threshold, factor, stickiness }: StepsPolicy['up']): StepEdge => ({
    threshold,
    factor,
    window: stickiness ? toSamples(stickiness.windowSeconds, stepMs) : 1,
    required: stickiness ? toSamples(stickiness.requiredSeconds, stepMs) : 1,
  });
  return { up: edge(policy.up), down: edge(policy.down), decay: policy.decay * (stepMs / 60_000) };
}

function toSamples(seconds: number, stepMs: number): number {
  return Math.max(1, Math.floor((seconds * 1000) / stepMs));
}

function explainStep(context: DecisionContext, policy: StepsPolicy, step: Step, reasons: Reasons): void {
  const { load, actual, standing } = context;
  const latest = load.samples[load.samples.length - 1]?.value ?? 0;
  const { up, down } = policy;
  if (latest === Number.POSITIVE_INFINITY) because(reasons, 'capacity-missing', { latest: '+Inf' });
  switch (step.direction) {
    case 'up':
      because(reasons, 'load-above-target', { latest: numberFact(latest), threshold: up.threshold, step: step.count });
      if (actual !== undefined && actual < standing && step.count <= standing) {
        because(reasons, 'starting-credited', { actual, standing });
      }
      break;
    case 'down':
      because(reasons, 'load-below-target', {
        latest: numberFact(latest),
        threshold: down.threshold,
        step: step.count,
      });
      break;
    case 'hold': {
      const breached =
        Math.fround(latest) > Math.fround(up.threshold)
          ? up
          : Math.fround(latest) < Math.fround(down.threshold)
            ? down
            : undefined;
      if (breached?.stickiness) {
        because(reasons, 'held-by-stickiness', {
          latest: numberFact(latest),
          threshold: breached.threshold,
          requiredSeconds: breached.stickiness.requiredSeconds,
          windowSeconds: breached.stickiness.windowSeconds,
        });
      } else {
        because(reasons, 'load-within-band', { latest: numberFact(latest), up: up.threshold, down: down.threshold });
      }
      break;
    }
    default:
      step.direction satisfies never;
  }
}

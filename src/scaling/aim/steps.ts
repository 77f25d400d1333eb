import type { StepsPolicy } from '../../domain/policy.ts';
import { numberFact } from '../../domain/reason.ts';
import type { Sample } from '../../domain/signal.ts';
import { because, COUNT_MAX, type Reasons, type View } from '../decision-context.ts';
import { aimWithoutLoad, calledAgoSeconds, doubtLoad } from './no-load.ts';
import { isUnderBand, type Step, type StepBand, type StepEdge, takeStep } from './step-rule.ts';

/**
 * Steps up and down by factors when utilisation leaves a band. Relative to what runs, never to what was asked for: while
 * instances start, the same overload asks for the same count again rather than for ever more.
 */
export function aimBySteps(view: View, policy: StepsPolicy, reasons: Reasons): number | undefined {
  const { load, actual, standing, activity } = view;
  if (load.quality !== 'fresh' && load.quality !== 'partial') return aimWithoutLoad(view, reasons);
  if (actual === undefined) {
    because(reasons, 'instances-unknown');
    return aimWithoutLoad(view, reasons);
  }
  doubtLoad(view, reasons);

  const band = bandOf(policy, view.situation.settings.stepMs);
  const taken = takeStep(load.samples.map(toValue), actual, band);
  const step = { ...taken, count: Math.min(taken.count, COUNT_MAX) };
  const isUnder = isUnderBand(step, band);
  if (isUnder && activity === 'idle') {
    because(reasons, 'idle', { mean: numberFact(step.mean), idleSeconds: policy.idleTimeoutSeconds });
    return 0;
  }
  tell(view, policy, step, reasons);
  if (standing === 0) {
    // At rest. A call wakes it, and so does load; that calls cannot be seen does not.
    return step.direction === 'up' || activity === 'called' || !isUnder ? step.count : 0;
  }
  switch (step.direction) {
    case 'up':
      return Math.max(standing, step.count);
    case 'down':
      if (view.isActualSound) return Math.min(standing, step.count);
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

/** Stickiness and decay are told in minutes; where samples are closer together, more of them make a minute. */
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

function tell(view: View, policy: StepsPolicy, step: Step, reasons: Reasons): void {
  const { load, actual, standing, activity } = view;
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
  if (standing <= 1 && step.mean < down.threshold) tellWhyNotZero(view, activity, reasons);
}

function tellWhyNotZero(view: View, activity: View['activity'], reasons: Reasons): void {
  if (activity === 'called') {
    because(reasons, 'recent-invocation', { agoSeconds: calledAgoSeconds(view) });
  } else if (activity === 'unproven') {
    because(reasons, 'idle-unproven', { invocation: view.situation.signals.invocation.quality });
  }
}

function toValue(sample: Sample): number {
  return sample.value;
}

const f32 = Math.fround;

/** One side of the band, in samples: it fires when at least `required` of the last `window` breach. */
export interface StepEdge {
  readonly threshold: number;
  readonly factor: number;
  readonly window: number;
  readonly required: number;
}

export interface StepBand {
  readonly up: StepEdge;
  readonly down: StepEdge;
  readonly decay: number;
}

export interface Step {
  readonly direction: 'up' | 'down' | 'hold';
  /** What the step alone asks for; at least 1. */
  readonly count: number;
  /** The weighted mean of the idle test; 0 without samples. */
  readonly mean: number;
}

/**
 * The step rule of the NVCF platform, to the letter: thresholds, factors, means and products are 32-bit floats, so that
 * 100 × 1.2 is 121. It computes only; whether the samples can be trusted is for the caller to judge.
 */
export function takeStep(samples: readonly number[], instances: number, band: StepBand): Step {
  const base = Math.max(1, instances);
  if (samples.length === 0) return { direction: 'hold', count: base, mean: 0 };
  const mean = weightedMean(samples, band.decay);
  if (fires(samples, band.up, isAbove)) {
    return { direction: 'up', count: toUnsigned(Math.ceil(f32(f32(base) * f32(band.up.factor)))), mean };
  }
  if (fires(samples, band.down, isBelow)) {
    return {
      direction: 'down',
      count: Math.max(1, toUnsigned(Math.floor(f32(f32(base) * f32(band.down.factor))))),
      mean,
    };
  }
  return { direction: 'hold', count: base, mean };
}

/** Idle past the timeout and, by the mean, under the band: then zero, whatever the step says. */
export function isUnderBand(step: Step, band: StepBand): boolean {
  return step.mean < f32(band.down.threshold);
}

function isAbove(sample: number, threshold: number): boolean {
  return f32(sample) > f32(threshold);
}

function isBelow(sample: number, threshold: number): boolean {
  return f32(sample) < f32(threshold);
}

/** Breaches are counted over the samples there are: a window longer than the series is cut to it. */
function fires(
  samples: readonly number[],
  edge: StepEdge,
  breaches: (sample: number, threshold: number) => boolean,
): boolean {
  let breaching = 0;
  for (let index = Math.max(0, samples.length - edge.window); index < samples.length; index += 1) {
    if (breaches(samples[index] as number, edge.threshold)) breaching += 1;
  }
  return breaching >= edge.required;
}

/** Two running 32-bit sums, oldest first; the order is part of the result. */
function weightedMean(samples: readonly number[], decay: number): number {
  const rate = -f32(decay);
  let weighted = 0;
  let weights = 0;
  for (let index = 0; index < samples.length; index += 1) {
    const age = samples.length - 1 - index;
    const weight = rate === 0 ? 1 : f32(Math.exp(f32(rate * age)));
    weighted = f32(weighted + f32(weight * f32(samples[index] as number)));
    weights = f32(weights + weight);
  }
  return f32(weighted / weights);
}

const UNSIGNED_MAX = 2 ** 64;

function toUnsigned(value: number): number {
  if (!(value > 0)) return 0;
  return Math.min(value, UNSIGNED_MAX);
}

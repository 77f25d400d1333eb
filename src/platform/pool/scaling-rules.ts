/**
 * The rules by which the platform scales while no wish of the autoscaler holds: each looks at one pool and names a count,
 * and the greatest counts. Pure: numbers and memory in, numbers and memory out.
 */

/** Instances are asked for as if each could take this much of its concurrency, so that there is room while others start. */
const UTILISATION_AIM = 0.7;
const STABLE_SAMPLES = 30;
const PANIC_SAMPLES = 3;
const PANIC_LOAD = 2;
const PANIC_HOLD_MS = 60_000;

/** Mean demand (calls that run plus calls that wait) of each of the last ticks, newest last. Only ticks that were are in it. */
export type DemandWindow = readonly number[];

export function widenWindow(window: DemandWindow, sample: number): DemandWindow {
  return [...window.slice(-(STABLE_SAMPLES - 1)), sample];
}

function mean(samples: readonly number[]): number {
  return samples.length === 0 ? 0 : samples.reduce((sum, sample) => sum + sample, 0) / samples.length;
}

export interface PanicMemory {
  /** While it lasts, nothing is lowered. */
  readonly untilMs: number;
  readonly wanted: number;
}

export const CALM: PanicMemory = { untilMs: Number.NEGATIVE_INFINITY, wanted: 0 };

/** Knative's shape: the mean of a minute, and in a panic that of six seconds. */
export function concurrencyRule(
  load: { window: DemandWindow; current: number; concurrency: number; nowMs: number },
  memory: PanicMemory,
): { readonly wanted: number; readonly memory: PanicMemory } {
  const { window, current, concurrency, nowMs } = load;
  const perInstance = concurrency * UTILISATION_AIM;
  const stable = Math.ceil(mean(window) / perInstance);
  const latest = mean(window.slice(-PANIC_SAMPLES));
  const isOverrun = current > 0 && latest / (current * concurrency) >= PANIC_LOAD;
  const untilMs = isOverrun ? nowMs + PANIC_HOLD_MS : memory.untilMs;
  if (nowMs >= untilMs) return { wanted: stable, memory: CALM };
  const wanted = Math.max(stable, Math.ceil(latest / perInstance), memory.wanted);
  return { wanted, memory: { untilMs, wanted } };
}

/** Little's law on smoothed rate and running time; time in fractions of a millisecond, else short calls would count nothing. */
export function flowRule(load: { callsPerSecond: number; runningMs: number; concurrency: number }): number {
  const { callsPerSecond, runningMs, concurrency } = load;
  return Math.ceil((callsPerSecond * runningMs) / 1000 / concurrency / UTILISATION_AIM);
}

const SMOOTHING = 0.2;

/** The first value stands as it is. */
export function smooth(before: number | undefined, value: number): number {
  return before === undefined ? value : before + SMOOTHING * (value - before);
}

export const QUEUE_RULE_LIMITS = {
  queuedMax: 10,
  /** The most that one evaluation adds. */
  stepMax: 3,
  meanLatencyMaxMs: Number.POSITIVE_INFINITY,
  errorShareMax: Number.POSITIVE_INFINITY,
};

export type QueueRuleLimits = Readonly<typeof QUEUE_RULE_LIMITS>;

/** Looks at a pool every five seconds: adds for a queue, for slowness and errors, and keeps some warm beside busy ones. */
export function queueRule(
  pool: {
    readonly queued: number;
    readonly warm: number;
    readonly busy: number;
    readonly current: number;
    /** As many are to be free while others are busy; 0: the rule does not look at it. */
    readonly warmMin: number;
    readonly meanLatencyMs: number;
    readonly errorShare: number;
  },
  limits: QueueRuleLimits = QUEUE_RULE_LIMITS,
): number {
  const { queued, warm, busy, current, warmMin, meanLatencyMs, errorShare } = pool;
  const isShort =
    queued > limits.queuedMax ||
    (warm < warmMin && busy > 0) ||
    meanLatencyMs > limits.meanLatencyMaxMs ||
    errorShare > limits.errorShareMax;
  // An empty queue still adds one, else too few warm ones would never become more.
  if (isShort) return current + Math.min(limits.stepMax, Math.max(1, Math.ceil(queued / 10)));
  // What the rule asked for is not taken away again at once: it would ask for it again.
  return busy > 0 ? Math.min(current, busy + warmMin) : 0;
}

/** How many free instances one tick may end: half of what is too much, but one where only one is. */
export function surplusStep(current: number, wanted: number): number {
  const surplus = current - wanted;
  return surplus <= 0 ? 0 : Math.max(1, Math.floor(surplus / 2));
}

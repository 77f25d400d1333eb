import { quantileOf } from './quantile.ts';

/** The samples of one series between `startMs` and `endMs`, both included: `times` and `values` from `from` up to `to`. */
export interface Window {
  times: Float64Array;
  values: Float64Array;
  from: number;
  to: number;
  startMs: number;
  endMs: number;
  readonly rangeMs: number;
}

export type Fold = (window: Window) => number | undefined;

/** A gap to the edge of the range that is longer than this many sample distances is no accident: the series began or ended. */
const EXTRAPOLATION_FACTOR = 1.1;

/** What a counter or gauge has gone through in the range, extended to its edges as Prometheus 2 does it. */
function extrapolated(
  window: Window,
  { isCounter, isRate }: { isCounter: boolean; isRate: boolean },
): number | undefined {
  const { times, values, from, to } = window;
  if (to - from < 2) return undefined;
  const first = values[from] as number;
  let result = (values[to - 1] as number) - first;
  if (isCounter) {
    let previous = first;
    for (let at = from + 1; at < to; at += 1) {
      const value = values[at] as number;
      // A counter that fell was started again.
      if (value < previous) result += previous;
      previous = value;
    }
  }
  const firstMs = times[from] as number;
  const lastMs = times[to - 1] as number;
  let toStart = (firstMs - window.startMs) / 1000;
  const toEnd = (window.endMs - lastMs) / 1000;
  const sampled = (lastMs - firstMs) / 1000;
  const distance = sampled / (to - from - 1);
  if (isCounter && result > 0 && first >= 0) {
    // A counter cannot have been below nought.
    const toZero = sampled * (first / result);
    if (toZero < toStart) toStart = toZero;
  }
  const threshold = distance * EXTRAPOLATION_FACTOR;
  let covered = sampled;
  covered += toStart < threshold ? toStart : distance / 2;
  covered += toEnd < threshold ? toEnd : distance / 2;
  let factor = covered / sampled;
  if (isRate) factor /= window.rangeMs / 1000;
  return result * factor;
}

/** From the last two samples. */
function instantaneous({ times, values, from, to }: Window, isRate: boolean): number | undefined {
  if (to - from < 2) return undefined;
  const last = values[to - 1] as number;
  const before = values[to - 2] as number;
  const difference = isRate && last < before ? last : last - before;
  const seconds = ((times[to - 1] as number) - (times[to - 2] as number)) / 1000;
  if (seconds === 0) return undefined;
  return isRate ? difference / seconds : difference;
}

function countSteps({ values, from, to }: Window, isCounted: (value: number, before: number) => boolean): number {
  let count = 0;
  for (let at = from + 1; at < to; at += 1) {
    if (isCounted(values[at] as number, values[at - 1] as number)) count += 1;
  }
  return count;
}

/** A sum that keeps what rounding took away (Kahan, Neumaier). */
class CompensatedSum {
  sum = 0;
  lost = 0;

  add(value: number): void {
    const next = this.sum + value;
    if (Math.abs(this.sum) >= Math.abs(value)) this.lost += this.sum - next + value;
    else this.lost += value - next + this.sum;
    this.sum = next;
  }

  get total(): number {
    return Math.abs(this.sum) === Number.POSITIVE_INFINITY ? this.sum : this.sum + this.lost;
  }
}

function sum({ values, from, to }: Window): number {
  const total = new CompensatedSum();
  for (let at = from; at < to; at += 1) total.add(values[at] as number);
  return total.total;
}

function average({ values, from, to }: Window): number {
  const mean = new CompensatedSum();
  for (let at = from; at < to; at += 1) {
    const value = values[at] as number;
    const count = at - from + 1;
    if (Math.abs(mean.sum) === Number.POSITIVE_INFINITY) {
      // An infinity stays, unless the opposite one or no number comes.
      if (Math.abs(value) === Number.POSITIVE_INFINITY ? mean.sum > 0 === value > 0 : !Number.isNaN(value)) continue;
    }
    mean.add(value / count - mean.sum / count);
  }
  return mean.total;
}

function variance({ values, from, to }: Window): number {
  const mean = new CompensatedSum();
  const squares = new CompensatedSum();
  for (let at = from; at < to; at += 1) {
    const value = values[at] as number;
    const delta = value - (mean.sum + mean.lost);
    mean.add(delta / (at - from + 1));
    squares.add(delta * (value - (mean.sum + mean.lost)));
  }
  return (squares.sum + squares.lost) / (to - from);
}

function extreme({ values, from, to }: Window, isBeyond: (value: number, best: number) => boolean): number {
  let best = values[from] as number;
  for (let at = from; at < to; at += 1) {
    const value = values[at] as number;
    if (isBeyond(value, best) || Number.isNaN(best)) best = value;
  }
  return best;
}

/** Functions of a range alone. */
export const FOLDS: Readonly<Record<string, Fold>> = {
  rate: (window) => extrapolated(window, { isCounter: true, isRate: true }),
  increase: (window) => extrapolated(window, { isCounter: true, isRate: false }),
  delta: (window) => extrapolated(window, { isCounter: false, isRate: false }),
  irate: (window) => instantaneous(window, true),
  idelta: (window) => instantaneous(window, false),
  changes: (window) =>
    countSteps(window, (value, before) => value !== before && !(Number.isNaN(value) && Number.isNaN(before))),
  resets: (window) => countSteps(window, (value, before) => value < before),
  avg_over_time: average,
  sum_over_time: sum,
  min_over_time: (window) => extreme(window, (value, best) => value < best),
  max_over_time: (window) => extreme(window, (value, best) => value > best),
  count_over_time: ({ from, to }) => to - from,
  present_over_time: () => 1,
  last_over_time: ({ values, to }) => values[to - 1],
  stdvar_over_time: variance,
  stddev_over_time: (window) => Math.sqrt(variance(window)),
};

export function quantileOverTime(window: Window, rank: number): number {
  return quantileOf(rank, Array.from(window.values.subarray(window.from, window.to)));
}

import { type Labels, labelsKey } from '../storage/labels.ts';
import { SampleSpan } from '../storage/sample-slabs.ts';
import type { Evaluation } from './evaluation.ts';
import type { MatrixSelector, VectorSelector } from './expression.ts';
import {
  dropMetricNames,
  type Frame,
  haveSameName,
  newFrame,
  SAME_LABELS,
  type SeriesOverTime,
  trimmed,
} from './frame.ts';
import { QueryError } from './query-error.ts';
import type { Window } from './range-functions.ts';

/** The moment that a selector looks at when the query asks for this step. */
function momentMs(selector: VectorSelector, evaluation: Evaluation, step: number): number {
  const { at, offsetMs } = selector;
  if (at === undefined) return evaluation.timeMs(step) - offsetMs;
  if (at === 'start') return evaluation.startMs - offsetMs;
  return (at === 'end' ? evaluation.endMs : at) - offsetMs;
}

/** The newest sample of each series, at most the lookback old; `shown`: its value, or its time. */
export async function selectVector(
  selector: VectorSelector,
  evaluation: Evaluation,
  shown: 'value' | 'time' = 'value',
): Promise<Frame> {
  const { store, steps, lookbackMs } = evaluation;
  const series = store.select(selector.matchers);
  const frame = newFrame(evaluation, series.length);
  if (steps === 1) {
    const atMs = momentMs(selector, evaluation, 0);
    for (const one of series) {
      if (evaluation.isYieldDue) await evaluation.yield();
      evaluation.spend(1);
      const found = store.latest(one, atMs, atMs - lookbackMs);
      if (!found) continue;
      const row = frame.labels.push(one.labels) - 1;
      frame.values[row] = shown === 'value' ? found.value : found.timeMs / 1000;
      frame.has[row] = 1;
    }
    return trimmed(frame, steps);
  }
  const span = new SampleSpan();
  const fromMs = momentMs(selector, evaluation, 0) - lookbackMs;
  const toMs = momentMs(selector, evaluation, steps - 1);
  for (const one of series) {
    if (evaluation.isYieldDue) await evaluation.yield();
    store.copy(one, { fromMs, toMs, keepStale: true }, span);
    if (span.count === 0) continue;
    const base = frame.labels.length * steps;
    let hasAny = false;
    let next = 0;
    for (let step = 0; step < steps; step += 1) {
      const atMs = momentMs(selector, evaluation, step);
      while (next < span.count && (span.times[next] as number) <= atMs) next += 1;
      const last = next - 1;
      if (last < 0 || span.stale[last] === 1 || (span.times[last] as number) < atMs - lookbackMs) continue;
      frame.values[base + step] =
        shown === 'value' ? (span.values[last] as number) : (span.times[last] as number) / 1000;
      frame.has[base + step] = 1;
      hasAny = true;
    }
    if (hasAny) frame.labels.push(one.labels);
    evaluation.spend(span.count);
  }
  return trimmed(frame, steps);
}

/** What becomes of the metric names; `unread`: nobody looks at them, so they may as well stay. */
export type NameRule = 'kept' | 'dropped' | 'unread';

/** What `fold` makes of each series' samples within the range before each step; undefined is no value. */
export async function foldRange(
  matrix: MatrixSelector,
  evaluation: Evaluation,
  { fold, name }: { fold: (window: Window, step: number) => number | undefined; name: NameRule },
): Promise<Frame> {
  const { store, steps } = evaluation;
  const { selector, rangeMs } = matrix;
  const series = store.select(selector.matchers);
  const frame = newFrame(evaluation, series.length);
  const span = new SampleSpan();
  const fromMs = momentMs(selector, evaluation, 0) - rangeMs;
  const toMs = momentMs(selector, evaluation, steps - 1);
  const window: Window = { times: span.times, values: span.values, from: 0, to: 0, startMs: 0, endMs: 0, rangeMs };
  for (const one of series) {
    if (evaluation.isYieldDue) await evaluation.yield();
    store.copy(one, { fromMs, toMs, keepStale: false }, span);
    if (span.count === 0) continue;
    const base = frame.labels.length * steps;
    let hasAny = false;
    window.times = span.times;
    window.values = span.values;
    window.from = 0;
    window.to = 0;
    for (let step = 0; step < steps; step += 1) {
      window.endMs = momentMs(selector, evaluation, step);
      window.startMs = window.endMs - rangeMs;
      while (window.to < span.count && (span.times[window.to] as number) <= window.endMs) window.to += 1;
      while (window.from < window.to && (span.times[window.from] as number) < window.startMs) window.from += 1;
      if (window.from === window.to) continue;
      const value = fold(window, step);
      if (value === undefined) continue;
      frame.values[base + step] = value;
      frame.has[base + step] = 1;
      hasAny = true;
      evaluation.spend(window.to - window.from);
    }
    if (hasAny) frame.labels.push(one.labels);
    else frame.has.fill(0, base, base + steps);
    evaluation.spend(span.count);
  }
  const folded = trimmed(frame, steps);
  if (name === 'kept' || (name === 'unread' && haveSameName(folded.labels))) return folded;
  const { labels, areAlike } = dropMetricNames(folded.labels);
  if (!areAlike) refuseSameLabels(labels);
  return { ...folded, labels };
}

/** Over the whole span, not only where two meet: so does Prometheus. */
function refuseSameLabels(rows: readonly Labels[]): void {
  const seen = new Set(rows.map(labelsKey));
  if (seen.size < rows.length) throw new QueryError('execution', SAME_LABELS);
}

/** The samples themselves, as an instant query for a range shows them. */
export async function selectMatrix(matrix: MatrixSelector, evaluation: Evaluation): Promise<SeriesOverTime[]> {
  const { store } = evaluation;
  const toMs = momentMs(matrix.selector, evaluation, 0);
  const span = new SampleSpan();
  const found: SeriesOverTime[] = [];
  for (const series of store.select(matrix.selector.matchers)) {
    if (evaluation.isYieldDue) await evaluation.yield();
    store.copy(series, { fromMs: toMs - matrix.rangeMs, toMs, keepStale: false }, span);
    if (span.count === 0) continue;
    evaluation.reserve(span.count);
    const [times, values] = [span.times.slice(0, span.count), span.values.slice(0, span.count)];
    found.push({ labels: series.labels, times, values });
  }
  return found;
}

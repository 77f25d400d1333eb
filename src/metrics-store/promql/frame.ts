import { type Labels, labelsKey, METRIC_NAME } from '../storage/labels.ts';
import type { Evaluation } from './evaluation.ts';
import { QueryError } from './query-error.ts';

/** Series at the moments of a query: row by row, step by step. Not every row has a value at every step. */
export interface Frame {
  readonly kind: 'vector';
  labels: Labels[];
  values: Float64Array;
  has: Uint8Array;
}

export interface ScalarValue {
  readonly kind: 'scalar';
  /** One for each step. */
  readonly values: Float64Array;
}

export interface StringValue {
  readonly kind: 'string';
  readonly text: string;
}

export type Value = Frame | ScalarValue | StringValue;

export interface SeriesOverTime {
  readonly labels: Labels;
  /** Milliseconds since the epoch. */
  readonly times: Float64Array;
  readonly values: Float64Array;
}

/** Room for so many rows, none of which has a value yet. */
export function newFrame(evaluation: Evaluation, rows: number): Frame {
  evaluation.reserve(rows);
  const cells = rows * evaluation.steps;
  return { kind: 'vector', labels: [], values: new Float64Array(cells), has: new Uint8Array(cells) };
}

/** Without the rows beyond those that have labels. */
export function trimmed(frame: Frame, steps: number): Frame {
  const cells = frame.labels.length * steps;
  return { ...frame, values: frame.values.subarray(0, cells), has: frame.has.subarray(0, cells) };
}

/** Takes the metric names away. `areAlike`: all had the same one, so that no two can have become equal. */
export function dropMetricNames(rows: readonly Labels[]): { labels: Labels[]; areAlike: boolean } {
  let shape: readonly string[] | undefined;
  let place = -1;
  let rest: readonly string[] = [];
  let first: string | undefined;
  let areAlike = true;
  const labels = rows.map((row) => {
    if (row.names !== shape) {
      shape = row.names;
      place = shape.indexOf(METRIC_NAME);
      rest = place < 0 ? shape : shape.toSpliced(place, 1);
    }
    const name = place < 0 ? '' : (row.values[place] as string);
    if (first === undefined) first = name;
    else if (name !== first) areAlike = false;
    return place < 0 ? row : { names: rest, values: row.values.toSpliced(place, 1) };
  });
  return { labels, areAlike };
}

/** Whether all are series of one metric. */
export function haveSameName(rows: readonly Labels[]): boolean {
  let shape: readonly string[] | undefined;
  let place = -1;
  let first: string | undefined;
  for (const { names, values } of rows) {
    if (names !== shape) {
      shape = names;
      place = names.indexOf(METRIC_NAME);
    }
    const name = place < 0 ? '' : (values[place] as string);
    first ??= name;
    if (name !== first) return false;
  }
  return true;
}

export const SAME_LABELS = 'vector cannot contain metrics with the same labelset';

/** Rows with the same labels are one series, as long as they never meet. Throws when they do. */
export function mergeSameLabels(
  frame: Frame,
  evaluation: Evaluation,
  refuse: (one: number, other: number) => string = () => SAME_LABELS,
): Frame {
  const { steps } = evaluation;
  const rowOf = new Map<string, number>();
  const kept: number[] = [];
  for (let row = 0; row < frame.labels.length; row += 1) {
    const key = labelsKey(frame.labels[row] as Labels);
    const first = rowOf.get(key);
    if (first === undefined) {
      rowOf.set(key, row);
      kept.push(row);
      continue;
    }
    for (let step = 0; step < steps; step += 1) {
      const from = row * steps + step;
      if (frame.has[from] === 0) continue;
      const to = first * steps + step;
      if (frame.has[to] === 1) throw new QueryError('execution', refuse(first, row));
      frame.has[to] = 1;
      frame.values[to] = frame.values[from] as number;
    }
  }
  evaluation.spend(frame.labels.length);
  return kept.length === frame.labels.length ? frame : pickRows(frame, kept, steps);
}

/** These rows, in this order. */
export function pickRows(frame: Frame, rows: readonly number[], steps: number): Frame {
  const values = new Float64Array(rows.length * steps);
  const has = new Uint8Array(rows.length * steps);
  for (const [to, from] of rows.entries()) {
    values.set(frame.values.subarray(from * steps, (from + 1) * steps), to * steps);
    has.set(frame.has.subarray(from * steps, (from + 1) * steps), to * steps);
  }
  return { kind: 'vector', labels: rows.map((row) => frame.labels[row] as Labels), values, has };
}

/** The same values under labels without metric names. */
export function withoutNames(frame: Frame, evaluation: Evaluation): Frame {
  const { labels, areAlike } = dropMetricNames(frame.labels);
  const renamed: Frame = { ...frame, labels };
  return areAlike ? renamed : mergeSameLabels(renamed, evaluation);
}

import type { Clock } from '../../lib/clock.ts';
import { compareLabels, type Labels, NO_LABELS } from '../storage/labels.ts';
import type { SampleStore } from '../storage/sample-store.ts';
import { evaluate } from './evaluate.ts';
import { Evaluation } from './evaluation.ts';
import { type Expression, typeName, typeOf } from './expression.ts';
import type { Frame } from './frame.ts';
import { parseQuery } from './parse-query.ts';
import { QueryError } from './query-error.ts';
import { selectMatrix } from './select-samples.ts';

export interface SeriesOverTime {
  readonly labels: Labels;
  /** Milliseconds since the epoch. */
  readonly times: Float64Array;
  readonly values: Float64Array;
}

export type InstantResult =
  | { readonly kind: 'scalar'; readonly value: number }
  | { readonly kind: 'string'; readonly text: string }
  /** One step wide. */
  | Frame
  | { readonly kind: 'matrix'; readonly series: readonly SeriesOverTime[] };

export interface RangeResult {
  readonly series: readonly SeriesOverTime[];
}

interface QueryOptions {
  readonly store: SampleStore;
  readonly clock: Clock;
  readonly deadlineMs: number;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  readonly lookbackMs: number;
}

/** Answers a query for one moment. Throws a QueryError. */
export async function runQuery(text: string, options: QueryOptions & { atMs: number }): Promise<InstantResult> {
  const expression = parseQuery(text);
  const { atMs } = options;
  const evaluation = new Evaluation({ ...options, startMs: atMs, endMs: atMs, stepMs: 1 });
  await evaluation.yield();
  const matrix = bare(expression);
  if (matrix.kind === 'matrix-selector') {
    const series = await selectMatrix(matrix, evaluation);
    return { kind: 'matrix', series: series.sort((a, b) => compareLabels(a.labels, b.labels)) };
  }
  const value = await evaluate(expression, evaluation);
  if (value.kind === 'string') return value;
  if (value.kind === 'scalar') return { kind: 'scalar', value: value.values[0] as number };
  return value;
}

/** Answers a query for moments at even distances. Throws a QueryError. */
export async function runRangeQuery(
  text: string,
  options: QueryOptions & { startMs: number; endMs: number; stepMs: number },
): Promise<RangeResult> {
  const expression = parseQuery(text);
  const type = typeOf(expression);
  if (type !== 'scalar' && type !== 'vector') {
    throw new QueryError(
      'bad_data',
      `invalid parameter "query": invalid expression type "${typeName(type)}" for range query, must be Scalar or instant Vector`,
    );
  }
  const evaluation = new Evaluation(options);
  await evaluation.yield();
  const value = await evaluate(expression, evaluation);
  if (value.kind === 'string') throw new Error('texts were turned away above');
  const rows = value.kind === 'scalar' ? [NO_LABELS] : value.labels;
  const { steps } = evaluation;
  const series = rows.flatMap((labels, row) => {
    const at: number[] = [];
    for (let step = 0; step < steps; step += 1) {
      if (value.kind === 'scalar' || value.has[row * steps + step] === 1) at.push(step);
    }
    if (at.length === 0) return [];
    const times = Float64Array.from(at, (step) => evaluation.timeMs(step));
    return [{ labels, times, values: Float64Array.from(at, (step) => value.values[row * steps + step] as number) }];
  });
  return { series: series.sort((a, b) => compareLabels(a.labels, b.labels)) };
}

function bare(expression: Expression): Expression {
  return expression.kind === 'parenthesised' ? bare(expression.of) : expression;
}

import { compareLabels, NO_LABELS } from '../storage/labels.ts';
import { evaluate } from './evaluate.ts';
import { Evaluation, type EvaluationOptions } from './evaluation.ts';
import { bare, typeName, typeOf } from './expression.ts';
import type { Frame, SeriesOverTime } from './frame.ts';
import { parseQuery } from './parse-query.ts';
import { QueryError } from './query-error.ts';
import { selectMatrix } from './select-samples.ts';

export type InstantResult =
  | { readonly kind: 'scalar'; readonly value: number }
  | { readonly kind: 'string'; readonly text: string }
  /** One step wide. */
  | Frame
  | { readonly kind: 'matrix'; readonly series: readonly SeriesOverTime[] };

type QueryOptions = Omit<EvaluationOptions, 'startMs' | 'endMs' | 'stepMs'>;

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
export async function runRangeQuery(text: string, options: EvaluationOptions): Promise<readonly SeriesOverTime[]> {
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
  return series.sort((a, b) => compareLabels(a.labels, b.labels));
}

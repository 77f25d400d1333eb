import { METRIC_NAME } from '../storage/labels.ts';
import { aggregate } from './aggregate.ts';
import type { Evaluation } from './evaluation.ts';
import { type Aggregate, type Binary, bare, type Call, type Expression, type MatrixSelector } from './expression.ts';
import { type Frame, type ScalarValue, type StringValue, type Value, withoutNames } from './frame.ts';
import { histogramQuantile } from './histogram-quantile.ts';
import { combineScalars, combineVectors, combineWithScalar } from './match-vectors.ts';
import { FOLDS, quantileOverTime } from './range-functions.ts';
import { foldRange, selectVector } from './select-samples.ts';
import {
  absent,
  clamp,
  labelJoin,
  labelReplace,
  MAPS,
  mapValues,
  round,
  sorted,
  toScalar,
  toVector,
} from './vector-functions.ts';

/** The value of an expression at every step. Types were checked when the query was read. */
export async function evaluate(expression: Expression, evaluation: Evaluation): Promise<Value> {
  if (evaluation.isYieldDue) await evaluation.yield();
  switch (expression.kind) {
    case 'number':
      return { kind: 'scalar', values: new Float64Array(evaluation.steps).fill(expression.value) };
    case 'string':
      return { kind: 'string', text: expression.text };
    case 'parenthesised':
      return evaluate(expression.of, evaluation);
    case 'vector-selector':
      return selectVector(expression, evaluation);
    case 'unary':
      return negated(await evaluate(expression.of, evaluation), expression.isNegation, evaluation);
    case 'binary':
      return evaluateBinary(expression, evaluation);
    case 'aggregate':
      return evaluateAggregate(expression, evaluation);
    case 'call':
      return evaluateCall(expression, evaluation);
    case 'matrix-selector':
      throw new Error('a range is read by the function that it is given to');
    default:
      return expression satisfies never;
  }
}

function negated(value: Value, isNegation: boolean, evaluation: Evaluation): Value {
  if (!isNegation) return value;
  if (value.kind === 'scalar') return { kind: 'scalar', values: value.values.map((one) => -one) };
  const frame = value as Frame;
  return withoutNames({ ...frame, values: frame.values.map((one) => -one) }, evaluation);
}

async function evaluateBinary(binary: Binary, evaluation: Evaluation): Promise<Value> {
  const left = await evaluate(binary.left, evaluation);
  const right = await evaluate(binary.right, evaluation);
  if (left.kind === 'scalar') {
    if (right.kind === 'scalar') return { kind: 'scalar', values: combineScalars(binary, left.values, right.values) };
    return combineWithScalar(binary, { frame: right as Frame, scalars: left.values, isScalarLeft: true }, evaluation);
  }
  if (right.kind === 'scalar') {
    return combineWithScalar(binary, { frame: left as Frame, scalars: right.values, isScalarLeft: false }, evaluation);
  }
  return combineVectors(binary, left as Frame, right as Frame, evaluation);
}

async function evaluateAggregate(expression: Aggregate, evaluation: Evaluation): Promise<Frame> {
  const { operator, labels, isWithout, parameter } = expression;
  const given = parameter && (await evaluate(parameter, evaluation));
  const frame = await evaluateGrouped(expression, evaluation);
  return aggregate(operator, frame, {
    grouping: { labels, isWithout },
    parameters: given?.kind === 'scalar' ? given.values : undefined,
    label: given?.kind === 'string' ? given.text : '',
    evaluation,
  });
}

/** What is to be grouped. A name that the grouping does not look at is not taken from every series first. */
async function evaluateGrouped({ of, operator, labels, isWithout }: Aggregate, evaluation: Evaluation): Promise<Frame> {
  const inside = bare(of);
  const keepsRows = operator === 'topk' || operator === 'bottomk';
  const fold = inside.kind === 'call' ? FOLDS[inside.name] : undefined;
  if (inside.kind !== 'call' || !fold || keepsRows || (!isWithout && labels.includes(METRIC_NAME))) {
    return (await evaluate(of, evaluation)) as Frame;
  }
  return foldRange(bare(inside.args[0] as Expression) as MatrixSelector, evaluation, {
    fold,
    name: inside.name === 'last_over_time' ? 'kept' : 'unread',
  });
}

async function evaluateCall({ name, args }: Call, evaluation: Evaluation): Promise<Value> {
  const value = (at: number) => evaluate(args[at] as Expression, evaluation);
  const vector = async (at: number) => (await value(at)) as Frame;
  const scalar = async (at: number) => (await value(at)) as ScalarValue;
  const text = async (at: number) => ((await value(at)) as StringValue).text;
  const range = (at: number) => bare(args[at] as Expression) as MatrixSelector;
  const fold = FOLDS[name];
  if (fold) return foldRange(range(0), evaluation, { fold, name: name === 'last_over_time' ? 'kept' : 'dropped' });
  const map = MAPS[name];
  if (map) return mapValues(await vector(0), evaluation, map);
  switch (name) {
    case 'quantile_over_time': {
      const ranks = (await scalar(0)).values;
      return foldRange(range(1), evaluation, {
        fold: (window, step) => quantileOverTime(window, ranks[step] as number),
        name: 'dropped',
      });
    }
    case 'absent_over_time': {
      const found = await foldRange(range(0), evaluation, { fold: () => 1, name: 'kept' });
      return absent(found, range(0).selector.matchers, evaluation);
    }
    case 'absent': {
      const argument = bare(args[0] as Expression);
      return absent(await vector(0), argument.kind === 'vector-selector' ? argument.matchers : [], evaluation);
    }
    case 'timestamp':
      return timestamps(args[0] as Expression, evaluation);
    case 'round':
      return round(await vector(0), args.length > 1 ? await scalar(1) : undefined, evaluation);
    case 'clamp':
      return clamp(await vector(0), { min: await scalar(1), max: await scalar(2) }, evaluation);
    case 'clamp_min':
      return clamp(await vector(0), { min: await scalar(1) }, evaluation);
    case 'clamp_max':
      return clamp(await vector(0), { max: await scalar(1) }, evaluation);
    case 'sort':
    case 'sort_desc':
      return sorted(await vector(0), evaluation, name === 'sort_desc');
    case 'label_replace':
      return labelReplace(
        await vector(0),
        { target: await text(1), replacement: await text(2), source: await text(3), regex: await text(4) },
        evaluation,
      );
    case 'label_join': {
      const sources = await Promise.all(args.slice(3).map((_, at) => text(at + 3)));
      return labelJoin(await vector(0), { target: await text(1), separator: await text(2), sources }, evaluation);
    }
    case 'histogram_quantile':
      return histogramQuantile(await scalar(0), await vector(1), evaluation);
    case 'time':
      return {
        kind: 'scalar',
        values: Float64Array.from({ length: evaluation.steps }, (_, step) => evaluation.timeMs(step) / 1000),
      };
    case 'scalar':
      return toScalar(await vector(0), evaluation);
    case 'vector':
      return toVector(await scalar(0), evaluation);
    default:
      throw new Error(`${name} is in the table of functions, and nobody computes it`);
  }
}

/** Of plain selectors the moments of their samples; of anything else the moment that is asked for. */
async function timestamps(expression: Expression, evaluation: Evaluation): Promise<Frame> {
  const inside = bare(expression);
  if (inside.kind === 'vector-selector') {
    return withoutNames(await selectVector(inside, evaluation, 'time'), evaluation);
  }
  const frame = (await evaluate(inside, evaluation)) as Frame;
  return mapValues(frame, evaluation, (_, step) => evaluation.timeMs(step) / 1000);
}

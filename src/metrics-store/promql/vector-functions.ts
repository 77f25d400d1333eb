import {
  LABEL_NAME,
  type Labels,
  labelEntries,
  labelsOf,
  labelValue,
  METRIC_NAME,
  NO_LABELS,
  withLabel,
} from '../storage/labels.ts';
import type { Matcher } from '../storage/matcher.ts';
import { compilePattern, PatternError } from '../storage/pattern.ts';
import type { Evaluation } from './evaluation.ts';
import { type Frame, mergeSameLabels, newFrame, pickRows, type ScalarValue, withoutNames } from './frame.ts';
import { larger, smaller } from './operators.ts';
import { ascending } from './quantile.ts';
import { QueryError } from './query-error.ts';

/** Functions of a single value. */
export const MAPS: Readonly<Record<string, (value: number) => number>> = {
  abs: Math.abs,
  ceil: Math.ceil,
  floor: Math.floor,
  sqrt: Math.sqrt,
  exp: Math.exp,
  ln: Math.log,
  log2: Math.log2,
  log10: Math.log10,
  sgn: (value) => (value < 0 ? -1 : value > 0 ? 1 : value),
};

/** `change` gets each value and its step; undefined takes the value away. */
export function mapValues(
  frame: Frame,
  evaluation: Evaluation,
  change: (value: number, step: number) => number | undefined,
): Frame {
  const { steps } = evaluation;
  evaluation.reserve(frame.labels.length);
  const values = new Float64Array(frame.values.length);
  const has = frame.has.slice();
  for (let cell = 0; cell < values.length; cell += 1) {
    if (has[cell] === 0) continue;
    const value = change(frame.values[cell] as number, steps === 1 ? 0 : cell % steps);
    if (value === undefined) has[cell] = 0;
    else values[cell] = value;
  }
  return withoutNames({ kind: 'vector', labels: frame.labels, values, has }, evaluation);
}

export function round(frame: Frame, nearest: ScalarValue | undefined, evaluation: Evaluation): Frame {
  return mapValues(frame, evaluation, (value, step) => {
    // By the inverse, as Prometheus counts: otherwise some tenths would come out a digit off.
    const inverse = 1 / (nearest?.values[step] ?? 1);
    return Math.floor(value * inverse + 0.5) / inverse;
  });
}

export function clamp(
  frame: Frame,
  { min, max }: { min?: ScalarValue | undefined; max?: ScalarValue | undefined },
  evaluation: Evaluation,
): Frame {
  return mapValues(frame, evaluation, (value, step) => {
    const low = min?.values[step];
    const high = max?.values[step];
    if (low !== undefined && high !== undefined && high < low) return undefined;
    const capped = high === undefined ? value : smaller(high, value);
    return low === undefined ? capped : larger(low, capped);
  });
}

/** Only an instant query keeps the order; series over time are sorted by their labels. */
export function sorted(frame: Frame, evaluation: Evaluation, isDescending: boolean): Frame {
  if (evaluation.steps > 1) return frame;
  const rows = [...frame.labels.keys()].filter((row) => frame.has[row] === 1);
  rows.sort((a, b) => {
    const [one, other] = [frame.values[a] as number, frame.values[b] as number];
    // What is no number stands last either way.
    if (Number.isNaN(one) || Number.isNaN(other)) return ascending(other, one);
    return isDescending ? ascending(other, one) : ascending(one, other);
  });
  return pickRows(frame, rows, 1);
}

export function toVector(scalar: ScalarValue, evaluation: Evaluation): Frame {
  const frame = newFrame(evaluation, 1);
  frame.labels.push(NO_LABELS);
  frame.values.set(scalar.values);
  frame.has.fill(1);
  return frame;
}

/** The value of the only series; no number while there is none or more than one. */
export function toScalar(frame: Frame, evaluation: Evaluation): ScalarValue {
  const { steps } = evaluation;
  const values = new Float64Array(steps).fill(Number.NaN);
  for (let step = 0; step < steps; step += 1) {
    let count = 0;
    let value = Number.NaN;
    for (let row = 0; row < frame.labels.length && count < 2; row += 1) {
      if (frame.has[row * steps + step] === 0) continue;
      count += 1;
      value = frame.values[row * steps + step] as number;
    }
    if (count === 1) values[step] = value;
    evaluation.spend(frame.labels.length);
  }
  return { kind: 'scalar', values };
}

/** 1 wherever `frame` has nothing, under the labels that the selector fixed. */
export function absent(frame: Frame, matchers: readonly Matcher[], evaluation: Evaluation): Frame {
  const { steps } = evaluation;
  const result = newFrame(evaluation, 1);
  result.labels.push(fixedLabels(matchers));
  for (let step = 0; step < steps; step += 1) {
    let isThere = false;
    for (let row = 0; row < frame.labels.length && !isThere; row += 1) isThere = frame.has[row * steps + step] === 1;
    result.values[step] = 1;
    result.has[step] = isThere ? 0 : 1;
    evaluation.spend(frame.labels.length);
  }
  return result;
}

/** A label that is asked for twice is not fixed. */
function fixedLabels(matchers: readonly Matcher[]): Labels {
  const fixed = new Map<string, string>();
  for (const { name, operator, value } of matchers) {
    if (name === METRIC_NAME) continue;
    fixed.set(name, operator === '=' && !fixed.has(name) ? value : '');
  }
  return labelsOf(fixed);
}

export async function labelReplace(
  frame: Frame,
  texts: { target: string; replacement: string; source: string; regex: string },
  evaluation: Evaluation,
): Promise<Frame> {
  const { target, replacement, source, regex } = texts;
  const pattern = executable('label_replace', regex);
  checkLabelName(target, 'label_replace');
  const labels: Labels[] = [];
  for (const row of frame.labels) {
    if (evaluation.isYieldDue) await evaluation.yield();
    const text = labelValue(row, source);
    evaluation.spend(10 + regex.length * text.length);
    const value = pattern.expand(replacement, text);
    labels.push(value === undefined ? row : withLabel(row, target, value));
  }
  return mergeSameLabels({ ...frame, labels }, evaluation);
}

export function labelJoin(
  frame: Frame,
  { target, separator, sources }: { target: string; separator: string; sources: readonly string[] },
  evaluation: Evaluation,
): Frame {
  checkLabelName(target, 'label_join');
  for (const source of sources) {
    if (!LABEL_NAME.test(source)) {
      throw new QueryError('execution', `invalid source label name in label_join(): ${source}`);
    }
  }
  const labels = frame.labels.map((row) => {
    const joined = sources.map((source) => labelValue(row, source)).join(separator);
    return labelsOf([...labelEntries(row).filter(([name]) => name !== target), [target, joined]]);
  });
  evaluation.spend(labels.length * 10);
  return mergeSameLabels({ ...frame, labels }, evaluation);
}

function executable(name: string, regex: string): ReturnType<typeof compilePattern> {
  try {
    return compilePattern(regex);
  } catch (error) {
    if (!(error instanceof PatternError)) throw error;
    throw new QueryError('execution', `invalid regular expression in ${name}(): ${regex}: ${error.message}`);
  }
}

function checkLabelName(name: string, of: string): void {
  if (!LABEL_NAME.test(name)) throw new QueryError('execution', `invalid destination label name in ${of}(): ${name}`);
}

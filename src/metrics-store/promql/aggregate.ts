import { LABEL_NAME, type Labels, labelSetter, METRIC_NAME } from '../storage/labels.ts';
import type { Evaluation } from './evaluation.ts';
import type { Aggregation } from './expression.ts';
import { type Frame, newFrame, pickRows, trimmed } from './frame.ts';
import { type Grouping, Groups } from './groups.ts';
import { ascending, quantileOf } from './quantile.ts';
import { QueryError } from './query-error.ts';
import { plainValueText } from './value-text.ts';

/** Each row's group, and each group's labels. */
interface GroupedRows {
  readonly ofRow: Int32Array;
  readonly labels: readonly Labels[];
}

const INT64_MAX = 2 ** 63;

/** Aggregations that make one value of a group's values, one after the other. */
interface Folding {
  /** Of the first value. */
  begin(value: number): number;
  /** `count` values have been seen, this one included; `mean` is kept beside the result. */
  next(cell: Cell, value: number, count: number): void;
  end?(result: number, count: number): number;
}

interface Cell {
  result: number;
  mean: number;
}

const VARIANCE: Folding = {
  begin: () => 0,
  next(cell, value, count) {
    const delta = value - cell.mean;
    cell.mean += delta / count;
    cell.result += delta * (value - cell.mean);
  },
  end: (result, count) => result / count,
};

const FOLDINGS = {
  sum: {
    begin: (value) => value,
    next(cell, value) {
      cell.result += value;
    },
  },
  avg: {
    begin: (value) => value,
    next(cell, value, count) {
      if (Math.abs(cell.result) === Number.POSITIVE_INFINITY) {
        // An infinity stays, unless the opposite one or no number comes.
        const isInfinite = Math.abs(value) === Number.POSITIVE_INFINITY;
        if (isInfinite ? cell.result > 0 === value > 0 : !Number.isNaN(value)) return;
      }
      cell.result += value / count - cell.result / count;
    },
  },
  min: {
    begin: (value) => value,
    next(cell, value) {
      if (value < cell.result || Number.isNaN(cell.result)) cell.result = value;
    },
  },
  max: {
    begin: (value) => value,
    next(cell, value) {
      if (value > cell.result || Number.isNaN(cell.result)) cell.result = value;
    },
  },
  count: { begin: () => 1, next() {}, end: (_, count) => count },
  group: { begin: () => 1, next() {} },
  stdvar: VARIANCE,
  stddev: { ...VARIANCE, end: (result, count) => Math.sqrt(result / count) },
} as const satisfies Partial<Record<Aggregation, Folding>>;

export function aggregate(
  operator: Aggregation,
  frame: Frame,
  options: { grouping: Grouping; parameters: Float64Array | undefined; label: string; evaluation: Evaluation },
): Frame {
  const { grouping, parameters, label, evaluation } = options;
  evaluation.spend(frame.labels.length * evaluation.steps);
  switch (operator) {
    case 'count_values':
      return countValues(frame, { grouping, label, evaluation });
    case 'quantile':
      return quantiles(frame, groupsOf(frame.labels, grouping), parameters as Float64Array, evaluation);
    case 'topk':
    case 'bottomk':
      return extremes(frame, groupsOf(frame.labels, grouping), {
        counts: parameters as Float64Array,
        isTop: operator === 'topk',
        evaluation,
      });
    default:
      return folded(frame, groupsOf(frame.labels, grouping), FOLDINGS[operator], evaluation);
  }
}

function groupsOf(rows: readonly Labels[], grouping: Grouping): GroupedRows {
  const groups = new Groups(grouping);
  const ofRow = new Int32Array(rows.length);
  for (let row = 0; row < rows.length; row += 1) ofRow[row] = groups.of(rows[row] as Labels);
  return { ofRow, labels: groups.labels };
}

function folded(frame: Frame, groups: GroupedRows, folding: Folding, evaluation: Evaluation): Frame {
  const { steps } = evaluation;
  const result = newFrame(evaluation, groups.labels.length);
  result.labels = [...groups.labels];
  const counts = new Uint32Array(result.values.length);
  const means = new Float64Array(result.values.length);
  const cell: Cell = { result: 0, mean: 0 };
  for (let row = 0; row < frame.labels.length; row += 1) {
    const base = (groups.ofRow[row] as number) * steps;
    for (let step = 0; step < steps; step += 1) {
      if (frame.has[row * steps + step] === 0) continue;
      const value = frame.values[row * steps + step] as number;
      const at = base + step;
      const count = (counts[at] as number) + 1;
      counts[at] = count;
      if (count === 1) {
        result.has[at] = 1;
        result.values[at] = folding.begin(value);
        means[at] = value;
      } else {
        cell.result = result.values[at] as number;
        cell.mean = means[at] as number;
        folding.next(cell, value, count);
        result.values[at] = cell.result;
        means[at] = cell.mean;
      }
    }
  }
  if (folding.end) {
    for (let at = 0; at < counts.length; at += 1) {
      if (result.has[at] === 1) result.values[at] = folding.end(result.values[at] as number, counts[at] as number);
    }
  }
  return result;
}

/** The rows of each group that have a value at a step. */
function membersAt(frame: Frame, groups: GroupedRows, { step, steps }: { step: number; steps: number }): number[][] {
  const members: number[][] = groups.labels.map(() => []);
  for (let row = 0; row < frame.labels.length; row += 1) {
    if (frame.has[row * steps + step] === 1) members[groups.ofRow[row] as number]?.push(row);
  }
  return members;
}

function quantiles(frame: Frame, groups: GroupedRows, ranks: Float64Array, evaluation: Evaluation): Frame {
  const { steps } = evaluation;
  const result = newFrame(evaluation, groups.labels.length);
  result.labels = [...groups.labels];
  for (let step = 0; step < steps; step += 1) {
    for (const [group, rows] of membersAt(frame, groups, { step, steps }).entries()) {
      if (rows.length === 0) continue;
      const values = rows.map((row) => frame.values[row * steps + step] as number);
      result.values[group * steps + step] = quantileOf(ranks[step] as number, values);
      result.has[group * steps + step] = 1;
    }
    evaluation.spend(frame.labels.length);
  }
  return result;
}

/** Keeps the rows themselves: the largest or smallest of each group. */
function extremes(
  frame: Frame,
  groups: GroupedRows,
  { counts, isTop, evaluation }: { counts: Float64Array; isTop: boolean; evaluation: Evaluation },
): Frame {
  const { steps } = evaluation;
  const has = new Uint8Array(frame.has.length);
  const order: number[] = [];
  evaluation.reserve(frame.labels.length);
  for (let step = 0; step < steps; step += 1) {
    const wanted = counts[step] as number;
    if (!(wanted < INT64_MAX && wanted >= -INT64_MAX)) {
      throw new QueryError('execution', `Scalar value ${plainValueText(wanted)} overflows int64`);
    }
    const count = Math.trunc(wanted);
    if (count < 1) continue;
    for (const rows of membersAt(frame, groups, { step, steps })) {
      const valueAt = (row: number) => frame.values[row * steps + step] as number;
      rows.sort((a, b) => {
        const [one, other] = [valueAt(a), valueAt(b)];
        // What is no number comes last on either side.
        if (Number.isNaN(one) || Number.isNaN(other)) return ascending(other, one);
        return isTop ? ascending(other, one) : ascending(one, other);
      });
      for (const row of rows.slice(0, count)) {
        has[row * steps + step] = 1;
        order.push(row);
      }
    }
    evaluation.spend(frame.labels.length);
  }
  return pickRows({ ...frame, has }, [...new Set(order)], steps);
}

function countValues(
  frame: Frame,
  { grouping, label, evaluation }: { grouping: Grouping; label: string; evaluation: Evaluation },
): Frame {
  if (!LABEL_NAME.test(label)) throw new QueryError('execution', `invalid label name "${label}"`);
  const { steps } = evaluation;
  // The label takes part in the grouping: `by` has it beside its own, and `without` may take it away again.
  const { isWithout } = grouping;
  const isTakenAway = isWithout && (label === METRIC_NAME || grouping.labels.includes(label));
  const others = grouping.labels.filter((name) => name !== label);
  const groups = new Groups({ labels: isWithout ? [...others, label] : others, isWithout });
  const rowsOf: Map<string, number>[] = [];
  const labels: Labels[] = [];
  const withValue = labelSetter(label);
  const counts: { row: number; step: number }[] = [];
  for (let row = 0; row < frame.labels.length; row += 1) {
    const group = groups.of(frame.labels[row] as Labels);
    rowsOf[group] ??= new Map();
    const rowOf = rowsOf[group];
    for (let step = 0; step < steps; step += 1) {
      if (frame.has[row * steps + step] === 0) continue;
      const text = isTakenAway ? '' : plainValueText(frame.values[row * steps + step] as number);
      let to = rowOf.get(text);
      if (to === undefined) {
        const own = groups.labels[group] as Labels;
        to = labels.push(isTakenAway ? own : withValue(own, text)) - 1;
        rowOf.set(text, to);
      }
      counts.push({ row: to, step });
    }
  }
  const result = newFrame(evaluation, labels.length);
  result.labels = labels;
  for (const { row, step } of counts) {
    result.values[row * steps + step] = (result.values[row * steps + step] as number) + 1;
    result.has[row * steps + step] = 1;
  }
  return trimmed(result, steps);
}

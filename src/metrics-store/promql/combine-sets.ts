import { type Labels, labelsKey, labelValue, METRIC_NAME, pickLabels } from '../storage/labels.ts';
import type { Evaluation } from './evaluation.ts';
import type { Matching, SetOperator } from './expression.ts';
import { type Frame, mergeSameLabels, newFrame, pickRows } from './frame.ts';

/** `and`, `or`, `unless`: series stay or go by whether the other side has one that matches, whatever its value. */
export function combineSets(
  operator: SetOperator,
  { left, right, matching }: { left: Frame; right: Frame; matching: Matching },
  evaluation: Evaluation,
): Frame {
  const keyOf = matchKey(matching);
  switch (operator) {
    case 'and':
      return masked(left, { by: right, keepsMatched: true, keyOf, evaluation });
    case 'unless':
      return masked(left, { by: right, keepsMatched: false, keyOf, evaluation });
    case 'or':
      return united(left, masked(right, { by: left, keepsMatched: false, keyOf, evaluation }), evaluation);
    default:
      return operator satisfies never;
  }
}

/** The values of `frame` at the steps where `by` has, or has not, a series that matches. */
function masked(
  frame: Frame,
  options: { by: Frame; keepsMatched: boolean; keyOf: (of: Labels) => string; evaluation: Evaluation },
): Frame {
  const { by, keepsMatched, keyOf, evaluation } = options;
  const { steps } = evaluation;
  const whole = wholeRows(by, steps);
  let matched: ReadonlyMap<string, Uint8Array> | undefined;
  evaluation.reserve(frame.labels.length);
  const has = frame.has.slice();
  for (let row = 0; row < frame.labels.length; row += 1) {
    const labels = frame.labels[row] as Labels;
    const base = row * steps;
    if (whole.has(labels)) {
      if (!keepsMatched) has.fill(0, base, base + steps);
      continue;
    }
    matched ??= presenceBySignature(by, keyOf, steps);
    const there = matched.get(keyOf(labels));
    for (let step = 0; step < steps; step += 1) {
      if ((there?.[step] === 1) !== keepsMatched) has[base + step] = 0;
    }
  }
  return { ...frame, has };
}

/** The label sets of rows that have a value at every step: the same series on the other side needs no closer look. */
function wholeRows({ labels, has }: Frame, steps: number): ReadonlySet<Labels> {
  const whole = new Set<Labels>();
  for (let row = 0; row < labels.length; row += 1) {
    let step = 0;
    while (step < steps && has[row * steps + step] === 1) step += 1;
    if (step === steps) whole.add(labels[row] as Labels);
  }
  return whole;
}

/** The steps at which any row of a signature has a value. */
function presenceBySignature(frame: Frame, keyOf: (of: Labels) => string, steps: number): Map<string, Uint8Array> {
  const there = new Map<string, Uint8Array>();
  for (let row = 0; row < frame.labels.length; row += 1) {
    const signature = keyOf(frame.labels[row] as Labels);
    const has = frame.has.subarray(row * steps, (row + 1) * steps);
    const known = there.get(signature);
    if (!known) there.set(signature, has.slice());
    else for (let step = 0; step < steps; step += 1) if (has[step] === 1) known[step] = 1;
  }
  return there;
}

/** Both, where they never have the same series at the same step. */
function united(one: Frame, other: Frame, evaluation: Evaluation): Frame {
  const { steps } = evaluation;
  const together = stacked(withValues(one, steps), withValues(other, steps), evaluation);
  // At a single step what has a value is there once; over several, each may have its part of one series.
  return steps === 1 ? together : mergeSameLabels(together, evaluation);
}

/** Without the rows that have no value at any step. */
function withValues(frame: Frame, steps: number): Frame {
  const rows: number[] = [];
  for (let row = 0; row < frame.labels.length; row += 1) {
    const end = (row + 1) * steps;
    let cell = row * steps;
    while (cell < end && frame.has[cell] === 0) cell += 1;
    if (cell < end) rows.push(row);
  }
  return rows.length === frame.labels.length ? frame : pickRows(frame, rows, steps);
}

function stacked(top: Frame, bottom: Frame, evaluation: Evaluation): Frame {
  const frame = newFrame(evaluation, top.labels.length + bottom.labels.length);
  frame.labels = [...top.labels, ...bottom.labels];
  frame.values.set(top.values);
  frame.values.set(bottom.values, top.values.length);
  frame.has.set(top.has);
  frame.has.set(bottom.has, top.has.length);
  return frame;
}

/** Makes the same text of labels that match. */
export function matchKey({ isOn, labels }: Matching): (of: Labels) => string {
  if (isOn) {
    const [only] = labels;
    if (only !== undefined && labels.length === 1) return (of) => labelValue(of, only);
    return (of) => labels.map((name) => `${labelValue(of, name).length}:${labelValue(of, name)}`).join('');
  }
  const ignored = new Set([...labels, METRIC_NAME]);
  return (of) => labelsKey(pickLabels(of, ignored, false));
}

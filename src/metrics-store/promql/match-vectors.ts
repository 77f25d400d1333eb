import {
  type Labels,
  labelEntries,
  labelsOf,
  labelValue,
  METRIC_NAME,
  pickLabels,
  showLabels,
} from '../storage/labels.ts';
import { combineSets, matchKey } from './combine-sets.ts';
import type { Evaluation } from './evaluation.ts';
import { type Binary, isComparison, isSetOperator } from './expression.ts';
import { type Frame, mergeSameLabels, newFrame, SAME_LABELS, trimmed, withoutNames } from './frame.ts';
import { ARITHMETIC_OF, COMPARISON_OF } from './operators.ts';
import { QueryError } from './query-error.ts';

const MANY_TO_ONE = 'multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)';
const GROUPING = 'multiple matches for labels: grouping labels must ensure unique matches';

/** An operator between two vectors: each series meets the one on the other side with the same matching labels. */
export function combineVectors(binary: Binary, left: Frame, right: Frame, evaluation: Evaluation): Frame {
  const { operator, matching } = binary;
  if (isSetOperator(operator)) return combineSets(operator, { left, right, matching }, evaluation);
  const isRightMany = matching.many === 'right';
  const [many, one] = isRightMany ? [right, left] : [left, right];
  return new VectorMatch(binary, { many, one, isRightMany }, evaluation).run();
}

class VectorMatch {
  readonly #binary: Binary;
  readonly #sides: { many: Frame; one: Frame; isRightMany: boolean };
  readonly #evaluation: Evaluation;
  /** Of the labels of the many: those that the result has, or has not. */
  readonly #named: ReadonlySet<string>;
  readonly #keepsNamed: boolean;
  /** How the two values become one; undefined: they do not go together. */
  readonly #combine: (left: number, right: number) => number | undefined;

  constructor(binary: Binary, sides: { many: Frame; one: Frame; isRightMany: boolean }, evaluation: Evaluation) {
    this.#binary = binary;
    this.#sides = sides;
    this.#evaluation = evaluation;
    const { isOn, labels, many } = binary.matching;
    const isNameless = binary.isBool || !isComparison(binary.operator);
    this.#keepsNamed = many === undefined && isOn;
    const named = new Set(many === undefined ? labels : []);
    if (isNameless && this.#keepsNamed) named.delete(METRIC_NAME);
    else if (isNameless) named.add(METRIC_NAME);
    this.#named = named;
    this.#combine = combiner(binary);
  }

  run(): Frame {
    const { steps } = this.#evaluation;
    const { many, one, isRightMany } = this.#sides;
    const keyOf = matchKey(this.#binary.matching);
    const oneRows = this.#rowsBySignature(one, keyOf);
    this.#refuseDoubles(oneRows);
    let result = newFrame(this.#evaluation, many.labels.length);
    const rowOfPair = new Map<number, number>();
    const origin: string[] = [];
    for (let row = 0; row < many.labels.length; row += 1) {
      const signature = keyOf(many.labels[row] as Labels);
      for (const other of oneRows.get(signature) ?? []) {
        for (let step = 0; step < steps; step += 1) {
          if (many.has[row * steps + step] === 0 || one.has[other * steps + step] === 0) continue;
          const mine = many.values[row * steps + step] as number;
          const theirs = one.values[other * steps + step] as number;
          const value = isRightMany ? this.#combine(theirs, mine) : this.#combine(mine, theirs);
          if (value === undefined) continue;
          const pair = row * one.labels.length + other;
          let to = rowOfPair.get(pair);
          if (to === undefined) {
            to = origin.push(signature) - 1;
            rowOfPair.set(pair, to);
            if ((to + 1) * steps > result.values.length) result = doubled(result, this.#evaluation);
            result.labels.push(this.#resultLabels(many.labels[row] as Labels, one.labels[other] as Labels));
          }
          result.values[to * steps + step] = value;
          result.has[to * steps + step] = 1;
        }
      }
      this.#evaluation.spend(steps);
    }
    if (this.#binary.matching.many === undefined) this.#refuseManyToOne(result, origin);
    return mergeSameLabels(trimmed(result, steps), this.#evaluation, (a, b) =>
      origin[a] === origin[b] ? GROUPING : SAME_LABELS,
    );
  }

  #rowsBySignature(frame: Frame, keyOf: (of: Labels) => string): Map<string, number[]> {
    this.#evaluation.spend(frame.labels.length);
    return Map.groupBy(frame.labels.keys(), (row) => keyOf(frame.labels[row] as Labels));
  }

  /** On the side of the one, no two series may match at a time; with nobody on the other side nobody looks. */
  #refuseDoubles(bySignature: ReadonlyMap<string, readonly number[]>): void {
    const { steps } = this.#evaluation;
    const { many, one } = this.#sides;
    let isOtherThere: Uint8Array | undefined;
    for (const rows of bySignature.values()) {
      if (rows.length < 2) continue;
      isOtherThere ??= presence(many, steps);
      for (let step = 0; step < steps; step += 1) {
        if (isOtherThere[step] === 0) continue;
        const [first, second] = rows.filter((row) => one.has[row * steps + step] === 1);
        if (first !== undefined && second !== undefined) throw this.#doubles(first, second);
      }
    }
  }

  #doubles(first: number, second: number): QueryError {
    const { isOn, labels } = this.#binary.matching;
    const { one, isRightMany } = this.#sides;
    const a = one.labels[first] as Labels;
    const b = one.labels[second] as Labels;
    const group = pickLabels(a, new Set(isOn ? labels : [...labels, METRIC_NAME]), isOn);
    return new QueryError(
      'execution',
      `found duplicate series for the match group ${showLabels(group)} on the ${isRightMany ? 'left' : 'right'} hand-side of the operation: [${showLabels(b)}, ${showLabels(a)}];many-to-many matching not allowed: matching labels must be unique on one side`,
    );
  }

  #refuseManyToOne(frame: Frame, origin: readonly string[]): void {
    const { steps } = this.#evaluation;
    for (const rows of Map.groupBy(origin.keys(), (row) => origin[row]).values()) {
      if (rows.length < 2) continue;
      for (let step = 0; step < steps; step += 1) {
        const count = rows.filter((row) => frame.has[row * steps + step] === 1).length;
        if (count > 1) throw new QueryError('execution', MANY_TO_ONE);
      }
    }
  }

  #resultLabels(many: Labels, one: Labels): Labels {
    const { include } = this.#binary.matching;
    const result = this.#keepsNamed || this.#named.size > 0 ? pickLabels(many, this.#named, this.#keepsNamed) : many;
    if (include.length === 0) return result;
    const included = new Map(labelEntries(result));
    for (const name of include) included.set(name, labelValue(one, name));
    if (this.#binary.isBool) included.delete(METRIC_NAME);
    return labelsOf(included);
  }
}

function combiner({ operator, isBool }: Binary): (left: number, right: number) => number | undefined {
  if (isSetOperator(operator)) throw new Error('sets are combined elsewhere');
  if (!isComparison(operator)) return ARITHMETIC_OF[operator];
  const holds = COMPARISON_OF[operator];
  if (isBool) return (left, right) => (holds(left, right) ? 1 : 0);
  return (left, right) => (holds(left, right) ? left : undefined);
}

function doubled(frame: Frame, evaluation: Evaluation): Frame {
  const rows = Math.max(16, frame.labels.length);
  const larger = newFrame(evaluation, rows * 2);
  larger.labels = frame.labels;
  larger.values.set(frame.values);
  larger.has.set(frame.has);
  return larger;
}

/** Steps at which any row has a value. */
function presence(frame: Frame, steps: number): Uint8Array {
  const there = new Uint8Array(steps);
  for (let cell = 0; cell < frame.has.length; cell += 1) if (frame.has[cell] === 1) there[cell % steps] = 1;
  return there;
}

/** An operator between a vector and a number; `isScalarLeft` says which is which. */
export function combineWithScalar(
  binary: Binary,
  { frame, scalars, isScalarLeft }: { frame: Frame; scalars: Float64Array; isScalarLeft: boolean },
  evaluation: Evaluation,
): Frame {
  const { steps } = evaluation;
  const { operator, isBool } = binary;
  const combine = combiner(binary);
  const isFilter = isComparison(operator) && !isBool;
  evaluation.reserve(frame.labels.length);
  const values = new Float64Array(frame.values.length);
  const has = frame.has.slice();
  for (let cell = 0; cell < values.length; cell += 1) {
    if (has[cell] === 0) continue;
    const value = frame.values[cell] as number;
    const scalar = scalars[steps === 1 ? 0 : cell % steps] as number;
    const result = isScalarLeft ? combine(scalar, value) : combine(value, scalar);
    if (result === undefined) has[cell] = 0;
    // A filter lets the vector's value through, on whichever side it stands.
    else values[cell] = isFilter ? value : result;
  }
  const result: Frame = { kind: 'vector', labels: frame.labels, values, has };
  return isFilter ? result : withoutNames(result, evaluation);
}

export function combineScalars(binary: Binary, left: Float64Array, right: Float64Array): Float64Array {
  const combine = combiner(binary);
  return left.map((value, step) => combine(value, right[step] as number) ?? Number.NaN);
}

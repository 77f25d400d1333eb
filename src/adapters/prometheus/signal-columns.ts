import type { Column, ReadState } from '../../ports/signal-reader.ts';
import type { QueryTable, Rejection } from './query-table.ts';
import { queriesOf, type SignalDefinition, type Term } from './signal-profile.ts';
import type { VersionIndex } from './version-index.ts';

/** A number per slot; NaN for none. */
interface Numbers {
  readonly values: Float64Array;
  readonly rejected: Map<number, Rejection>;
}

/** What may be a value of a signal. Counts of instances are finite; load may be infinite, on no capacity. */
export type Domain = 'load' | 'count';

interface From {
  readonly tables: ReadonlyMap<string, QueryTable>;
  readonly index: VersionIndex;
}

/** Makes one signal of many versions from the tables of its queries. */
export function signalColumn(definition: SignalDefinition, domain: Domain, from: From): Column {
  const used = queriesOf(definition).map((query) => from.tables.get(query));
  const state = worstState(used.map((table) => table?.state ?? 'failed'));
  const detail = [...new Set(used.map((table) => table?.detail ?? 'was not read').filter(Boolean))].join('; ');
  if (state === 'failed') {
    return { state, isPresent: undefined, versionIds: [], values: new Float64Array(0), rejected: [], detail };
  }
  const numbers = evaluate(definition, from);
  rejectOutside(numbers, domain);
  return { state, isPresent: allPresent(used), ...columnOf(numbers, from.index), detail };
}

/** The same at one moment of the past, by slot: what is wrong with a sample is not reported there, it just does not count. */
export function pastValues(definition: SignalDefinition, from: From): Float64Array {
  const numbers = evaluate(definition, from);
  rejectOutside(numbers, 'load');
  return numbers.values;
}

function evaluate(definition: SignalDefinition, from: From): Numbers {
  if (typeof definition === 'string' || !('percent' in definition)) return evaluateTerm(definition, from);
  const { of, over } = definition.percent;
  const denominators = typeof over !== 'string' && 'product' in over ? over.product : [over];
  const parts = denominators.map((term) => evaluateTerm(term, from));
  return percent(evaluateTerm(of, from), parts);
}

/** Absent where any of its parts is: load without a capacity is no number, unlike load on a capacity of zero. */
function percent(of: Numbers, over: readonly Numbers[]): Numbers {
  const { values, rejected } = of;
  for (const numbers of over) for (const [slot, why] of numbers.rejected) rejected.set(slot, why);
  for (let slot = 0; slot < values.length; slot += 1) {
    const numerator = values[slot] as number;
    if (Number.isNaN(numerator)) continue;
    let denominator = 1;
    let isNegative = numerator < 0;
    for (const { values: factors } of over) {
      const factor = factors[slot] as number;
      // Two negative ones would hide each other.
      isNegative ||= factor < 0;
      denominator *= factor;
    }
    if (isNegative) rejected.set(slot, 'negative');
    else if (denominator === Number.POSITIVE_INFINITY) rejected.set(slot, 'unreadable');
    values[slot] = (100 * numerator) / denominator;
  }
  return { values, rejected };
}

function evaluateTerm(term: Term, { tables, index }: From): Numbers {
  const table = tables.get(typeof term === 'string' ? term : term.sum);
  const numbers = { values: new Float64Array(index.size).fill(Number.NaN), rejected: new Map<number, Rejection>() };
  if (!table) return numbers;
  if (typeof term === 'string') takeSingleValues(table, numbers);
  else addUp(table, term.times === undefined ? undefined : table.weights.get(term.times), numbers);
  return numbers;
}

function takeSingleValues({ slots, values, unreadable }: QueryTable, numbers: Numbers): void {
  for (let row = 0; row < slots.length; row += 1) {
    const slot = slots[row] as number;
    const value = values[row] as number;
    if (unreadable.has(row)) numbers.rejected.set(slot, 'unreadable');
    else if (Number.isNaN(value)) continue;
    else if (Number.isNaN(numbers.values[slot])) numbers.values[slot] = value;
    else numbers.rejected.set(slot, 'ambiguous');
  }
}

function addUp(
  { slots, values, unreadable }: QueryTable,
  weights: Float64Array | undefined,
  { values: sums, rejected }: Numbers,
): void {
  for (let row = 0; row < slots.length; row += 1) {
    const slot = slots[row] as number;
    const value = values[row] as number;
    const weight = weights ? (weights[row] as number) : 1;
    if (Number.isNaN(value) && !unreadable.has(row)) continue;
    if (unreadable.has(row) || !Number.isFinite(weight)) rejected.set(slot, 'unreadable');
    // A negative addend could hide behind the others.
    else if (value < 0 || weight < 0) rejected.set(slot, 'negative');
    else sums[slot] = (Number.isNaN(sums[slot]) ? 0 : (sums[slot] as number)) + value * weight;
  }
}

function rejectOutside({ values, rejected }: Numbers, domain: Domain): void {
  for (let slot = 0; slot < values.length; slot += 1) {
    const value = values[slot] as number;
    if (value < 0 && !rejected.has(slot)) rejected.set(slot, 'negative');
    if (domain === 'count' && value === Number.POSITIVE_INFINITY) rejected.set(slot, 'unreadable');
  }
  for (const slot of rejected.keys()) values[slot] = Number.NaN;
}

function columnOf(
  { values, rejected }: Numbers,
  index: VersionIndex,
): Pick<Column, 'versionIds' | 'values' | 'rejected'> {
  const versionIds: string[] = [];
  const kept = new Float64Array(values.length);
  for (let slot = 0; slot < values.length; slot += 1) {
    const value = values[slot] as number;
    if (!Number.isNaN(value)) kept[versionIds.push(index.idAt(slot)) - 1] = value;
  }
  return {
    versionIds,
    values: kept.subarray(0, versionIds.length),
    rejected: [...rejected].map(([slot, why]) => ({ versionId: index.idAt(slot), why })),
  };
}

export function worstState(states: readonly ReadState[]): ReadState {
  if (states.includes('failed')) return 'failed';
  return states.includes('partial') ? 'partial' : 'read';
}

function allPresent(tables: readonly (QueryTable | undefined)[]): boolean | undefined {
  if (tables.some((table) => table?.isPresent === false)) return false;
  return tables.every((table) => table?.isPresent === true) ? true : undefined;
}

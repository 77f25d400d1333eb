import type { Column, ReadState } from '../../ports/signal-reader.ts';
import type { QueryTable, Rejection } from './query-table.ts';
import { queriesOf, type SignalDefinition, type Term } from './signal-profile.ts';

/** A number per version; `NaN` stays out. */
interface Numbers {
  readonly values: ReadonlyMap<string, number>;
  readonly rejected: ReadonlyMap<string, Rejection>;
}

/** What may be a value of a signal. Counts of instances are finite; load may be infinite, on no capacity. */
export type Domain = 'load' | 'count';

/** Makes one signal of many versions from the tables of its queries. */
export function signalColumn(
  definition: SignalDefinition,
  tables: ReadonlyMap<string, QueryTable>,
  domain: Domain,
): Column {
  const used = queriesOf(definition).map((query) => tables.get(query));
  const state = worstState(used.map((table) => table?.state ?? 'failed'));
  const detail = [...new Set(used.map((table) => table?.detail ?? 'was not read').filter(Boolean))].join('; ');
  if (state === 'failed') {
    return { state, isPresent: undefined, versionIds: [], values: new Float64Array(0), rejected: [], detail };
  }
  const { values, rejected } = bounded(evaluate(definition, tables), domain);
  return {
    state,
    isPresent: allPresent(used),
    versionIds: [...values.keys()],
    values: Float64Array.from(values.values()),
    rejected: [...rejected].map(([versionId, why]) => ({ versionId, why })),
    detail,
  };
}

function evaluate(definition: SignalDefinition, tables: ReadonlyMap<string, QueryTable>): Numbers {
  if (typeof definition === 'string' || !('percent' in definition)) return evaluateTerm(definition, tables);
  const { of, over } = definition.percent;
  const denominators = typeof over !== 'string' && 'product' in over ? over.product : [over];
  const parts = denominators.map((term) => evaluateTerm(term, tables));
  return percent(evaluateTerm(of, tables), parts);
}

/** Absent where any of its parts is: load without a capacity is no number, unlike load on a capacity of zero. */
function percent(of: Numbers, over: readonly Numbers[]): Numbers {
  const values = new Map<string, number>();
  const rejected = new Map<string, Rejection>();
  for (const numbers of [of, ...over]) for (const [versionId, why] of numbers.rejected) rejected.set(versionId, why);
  for (const [versionId, numerator] of of.values) {
    let denominator = 1;
    let isNegative = numerator < 0;
    for (const { values: factors } of over) {
      const factor = factors.get(versionId) ?? Number.NaN;
      // Two negative ones would hide each other.
      isNegative ||= factor < 0;
      denominator *= factor;
    }
    if (isNegative) rejected.set(versionId, 'negative');
    else if (denominator === Number.POSITIVE_INFINITY) rejected.set(versionId, 'unreadable');
    else if (!rejected.has(versionId)) {
      const value = (100 * numerator) / denominator;
      if (!Number.isNaN(value)) values.set(versionId, value);
    }
  }
  return { values, rejected };
}

function evaluateTerm(term: Term, tables: ReadonlyMap<string, QueryTable>): Numbers {
  const table = tables.get(typeof term === 'string' ? term : term.sum);
  if (!table) return { values: new Map(), rejected: new Map() };
  if (typeof term === 'string') return singleValues(table);
  return sums(table, term.times === undefined ? undefined : table.weights.get(term.times));
}

function singleValues({ versionIds, values, unreadable }: QueryTable): Numbers {
  const found = new Map<string, number>();
  const rejected = new Map<string, Rejection>();
  for (const [row, versionId] of versionIds.entries()) {
    const value = values[row] ?? Number.NaN;
    if (unreadable.has(row)) rejected.set(versionId, 'unreadable');
    else if (Number.isNaN(value)) continue;
    else if (found.has(versionId)) rejected.set(versionId, 'ambiguous');
    else found.set(versionId, value);
  }
  for (const versionId of rejected.keys()) found.delete(versionId);
  return { values: found, rejected };
}

function sums({ versionIds, values, unreadable }: QueryTable, weights: Float64Array | undefined): Numbers {
  const found = new Map<string, number>();
  const rejected = new Map<string, Rejection>();
  for (const [row, versionId] of versionIds.entries()) {
    const value = values[row] ?? Number.NaN;
    const weight = weights ? (weights[row] ?? Number.NaN) : 1;
    if (Number.isNaN(value) && !unreadable.has(row)) continue;
    if (unreadable.has(row) || !Number.isFinite(weight)) rejected.set(versionId, 'unreadable');
    // A negative addend could hide behind the others.
    else if (value < 0 || weight < 0) rejected.set(versionId, 'negative');
    else found.set(versionId, (found.get(versionId) ?? 0) + value * weight);
  }
  for (const versionId of rejected.keys()) found.delete(versionId);
  return { values: found, rejected };
}

function bounded({ values, rejected }: Numbers, domain: Domain): Numbers {
  const kept = new Map<string, number>();
  const out = new Map(rejected);
  for (const [versionId, value] of values) {
    if (out.has(versionId)) continue;
    if (value < 0) out.set(versionId, 'negative');
    else if (domain === 'count' && value === Number.POSITIVE_INFINITY) out.set(versionId, 'unreadable');
    else kept.set(versionId, value);
  }
  return { values: kept, rejected: out };
}

export function worstState(states: readonly ReadState[]): ReadState {
  if (states.includes('failed')) return 'failed';
  return states.includes('partial') ? 'partial' : 'read';
}

function allPresent(tables: readonly (QueryTable | undefined)[]): boolean | undefined {
  if (tables.some((table) => table?.isPresent === false)) return false;
  return tables.every((table) => table?.isPresent === true) ? true : undefined;
}

import type { Fact, Facts, ReasonCode } from './reason-table.ts';

/** Why a decision is what it is: a closed code, and the facts behind it. Prose is made at the edge. */
export interface Reason {
  readonly code: ReasonCode;
  readonly facts: Facts;
}

/** Fewer digits than a float carries, and no infinity: facts go through JSON. */
export function numberFact(value: number): Fact {
  const rounded = Math.round(value * 1000) / 1000;
  if (Number.isFinite(rounded)) return rounded;
  return value > 0 ? '+Inf' : value < 0 ? '-Inf' : 'NaN';
}

/** Whether two lists say the very same, fact by fact. */
export function areSameReasons(a: readonly Reason[], b: readonly Reason[]): boolean {
  if (a.length !== b.length) return false;
  return a.every((reason, index) => {
    const other = b[index];
    if (reason === other) return true;
    if (other === undefined || reason.code !== other.code) return false;
    const names = Object.keys(reason.facts);
    if (names.length !== Object.keys(other.facts).length) return false;
    return names.every((name) => Object.hasOwn(other.facts, name) && reason.facts[name] === other.facts[name]);
  });
}

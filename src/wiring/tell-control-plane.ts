import type { HttpTargetSourceStatus } from '../adapters/control-plane/http-target-source.ts';
import type { BreakerState } from '../lib/breaker.ts';

/** What the state of the circuit breaker means for the wishes. */
export function tellWishes(breaker: BreakerState): string {
  switch (breaker) {
    case 'closed':
      return 'takes wishes';
    case 'half-open':
      return 'a wish is tried, after too many failed';
    case 'open':
      return 'no wishes are sent for a while: too many failed';
    default:
      return breaker satisfies never;
  }
}

export function tellTargets(mode: HttpTargetSourceStatus['mode']): string {
  return mode === 'bulk' ? 'bounds read in pages' : 'bounds read one by one';
}

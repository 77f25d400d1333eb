import type { BreakerState } from '../lib/breaker.ts';
import type { Actuator } from '../ports/actuator.ts';
import type { TargetSource } from '../ports/target-source.ts';

/** What the service needs of any control plane. */
export interface ControlPlane {
  readonly actuator: Actuator;
  readonly targets: TargetSource;
  /** The rate is the fleet's; each live member takes its share. */
  shareRate(members: number): void;
  /** What it last did, by what was asked of it anyway; rejects with what is wrong. */
  check(): Promise<string>;
  close(): void;
}

/** What the state of the circuit breaker means for the wishes. */
export function wishesText(breaker: BreakerState): string {
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

export function targetReadsText(mode: 'bulk' | 'single'): string {
  return mode === 'bulk' ? 'bounds read in pages' : 'bounds read one by one';
}

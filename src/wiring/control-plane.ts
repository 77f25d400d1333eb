import type { Config } from '../config/config.ts';
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
export const WISHES_TEXT: Readonly<Record<BreakerState, string>> = {
  closed: 'takes wishes',
  'half-open': 'a wish is tried, after too many failed',
  open: 'no wishes are sent for a while: too many failed',
};

export const READS_TEXT = { bulk: 'bounds read in pages', single: 'bounds read one by one' } as const;

/** How the policies of versions are read, whatever the control plane is. */
export function policyReading({ scaling, defaultPolicy, policy }: Config) {
  return { lookBackSeconds: scaling.lookBackMs / 1000, basePolicy: defaultPolicy, policySource: policy.source };
}

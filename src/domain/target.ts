import type { FunctionVersion } from './function-version.ts';
import type { Policy } from './policy.ts';

export type FunctionStatus = 'ACTIVE' | 'DEPLOYING' | 'INACTIVE' | 'ERRORED' | 'DELETED';

/** What the control plane says of a function version: its bounds, its policy and what runs. */
export interface Target extends FunctionVersion {
  /** The name that people use; undefined: it has none. It decides nothing. */
  readonly name?: string | undefined;
  readonly status: FunctionStatus;
  readonly instancesMin: number;
  readonly instancesMax: number;
  /** Calls that one instance takes at a time. */
  readonly concurrency: number;
  /** Undefined: the operator's default policy applies. */
  readonly policy: Policy | undefined;
  readonly instancesActive: number | undefined;
  readonly instancesPending: number | undefined;
}

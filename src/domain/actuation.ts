import type { FencingToken } from './fencing-token.ts';
import type { FunctionVersion } from './function-version.ts';

/**
 * How an attempt to make a decision true ended.
 * `already-so`: the control plane had it. `refused`: it will not (gone, not authorised, not scalable).
 * `fenced`: a newer writer was there. `failed`: it did not happen. `unknown`: the answer was lost. `dry-run`: not sent.
 */
export type ActuationOutcome = 'applied' | 'already-so' | 'refused' | 'fenced' | 'failed' | 'unknown' | 'dry-run';

/** The wish as it goes to the control plane. */
export interface Wish extends FunctionVersion {
  readonly wanted: number;
  readonly token: FencingToken;
  readonly decidedMs: number;
}

export interface Actuation {
  readonly outcome: ActuationOutcome;
  /** HTTP status, when there was an answer. */
  readonly status: number | undefined;
  /** For people: what the control plane said, shortened and scrubbed. */
  readonly detail: string;
  /** The version is unknown to the control plane (404, 410). */
  readonly isGone: boolean;
  /** Do not ask again before; from Retry-After. */
  readonly retryAfterMs: number | undefined;
  /** The token that the control plane holds, when it fenced us. */
  readonly storedToken: FencingToken | undefined;
  readonly instancesActive: number | undefined;
  readonly instancesPending: number | undefined;
}

/** Nothing is known beside the outcome but what `more` gives. */
export function actuation(outcome: ActuationOutcome, detail: string, more: Partial<Actuation> = {}): Actuation {
  return {
    outcome,
    status: undefined,
    detail,
    isGone: false,
    retryAfterMs: undefined,
    storedToken: undefined,
    instancesActive: undefined,
    instancesPending: undefined,
    ...more,
  };
}

import type { Clock } from '../../lib/clock.ts';
import { scrubLine } from '../../lib/scrub.ts';
import type { Meters } from '../../telemetry/meters.ts';

/** Why a request went without an answer. `credential`: there was nothing to prove ourselves with. */
export type UnansweredCause = 'refused' | 'unresolved' | 'tls' | 'reset' | 'aborted' | 'too-large' | 'credential';

/** No answer, whatever carried the request. */
export interface Unanswered {
  /** `not-sent`: the other side cannot have acted on it. `unknown`: it may have. */
  readonly arrival: 'not-sent' | 'unknown';
  readonly cause: UnansweredCause;
  /** For people, scrubbed: what happened, and why. */
  readonly detail: string;
  /** Why alone, in the words of the system. */
  readonly reason: string;
  readonly error: unknown;
}

/** What became of one request. */
export type Outcome<Answer extends { readonly arrival: 'answered' }> = Answer | Unanswered;

/** What is wrong with our own credentials takes some words, for it says what to do. */
const DETAIL_MAX = 400;

export function unanswered(
  arrival: Unanswered['arrival'],
  cause: UnansweredCause,
  { detail, reason = detail, error }: { detail: string; reason?: string; error?: unknown },
): Unanswered {
  return { arrival, cause, detail: scrubLine(detail, DETAIL_MAX), reason: scrubLine(reason), error };
}

/** Measures a request to a control plane; call the result with its outcome. */
export function timeControlPlaneCall(
  { clock, meters }: { clock: Clock; meters: Meters },
  call: string,
): (outcome: { readonly status: number } | Unanswered) => void {
  const startMs = clock.monotonicMs();
  return (outcome) => {
    const seconds = (clock.monotonicMs() - startMs) / 1_000;
    meters.record('starling_control_plane_request_seconds', seconds, { call, outcome: labelOf(outcome) });
  };
}

function labelOf(outcome: { readonly status: number } | Unanswered): string {
  if (!('status' in outcome)) return outcome.cause;
  const { status } = outcome;
  return status === 409 || status === 429 ? String(status) : `${Math.floor(status / 100)}xx`;
}

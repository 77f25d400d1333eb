import type { Actuation, Wish } from '../../domain/actuation.ts';
import type { FencingStrength } from '../../ports/actuator.ts';

/** What one wish came to: for who asked, for the breaker, for the rate. */
export interface WishResult {
  readonly actuation: Actuation;
  /** The control plane is failing, whatever the wish. */
  readonly isOutage: boolean;
  /** It asked for fewer calls: stay away this long. */
  readonly complaintMs: number | undefined;
}

/** The pause after a complaint that names none. */
export const COMPLAINT_UNSAID_MS = 1_000;

export function wishResult(
  actuation: Actuation,
  { isOutage = false, complaintMs }: { isOutage?: boolean | undefined; complaintMs?: number | undefined } = {},
): WishResult {
  return { actuation, isOutage, complaintMs };
}

/** One attempt to have a wish accepted, and what is known of it while it lasts. */
export interface WishAttempt {
  /** Aborts at its deadline, and when the caller goes. */
  readonly signal: AbortSignal;
  /** Right before a request leaves that changes nothing; throws when time is up. */
  readonly onAsk: () => void;
  /** Right before the wish itself leaves; throws when time is up. */
  readonly onSend: () => void;
  /** Whether the wish may be there although no answer came. Set by `onSend`; reset by a sender that knows better. */
  mayHaveArrived: boolean;
}

/**
 * The wire format of one control plane: how a wish is put into its words, and what its answers mean. Everything else
 * (deadline, rate, breaker, dry run) is the same for all of them and stands in `GatedActuator`.
 */
export interface WishSender {
  readonly strength: FencingStrength;
  /** Looks at a wish before anything is sent: what it came to already, or how to send it. */
  prepare(wish: Wish): Actuation | ((attempt: WishAttempt) => Promise<WishResult>);
}

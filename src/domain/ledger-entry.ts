import type { ActuationOutcome } from './actuation.ts';
import type { Decision } from './decision.ts';
import type { FencingToken } from './fencing-token.ts';
import type { MemberId } from './member.ts';
import type { Sample } from './signal.ts';

/** What was decided and done, kept for people. The last seconds may be lost in a crash; deciding never reads it. */
export interface LedgerEntry extends Omit<Decision, 'signals'> {
  readonly versionId: string;
  readonly functionId: string;
  readonly utilisation: readonly Sample[];
  readonly demand: readonly Sample[];
  readonly holder: MemberId;
  /** Present when the decision was acted on. */
  readonly token: FencingToken | undefined;
  readonly outcome: ActuationOutcome | undefined;
  readonly detail: string;
}

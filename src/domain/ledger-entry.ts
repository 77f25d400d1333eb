import type { ActuationOutcome } from './actuation.ts';
import type { Verdict } from './decision.ts';
import type { FencingToken } from './fencing-token.ts';
import type { MemberId } from './member.ts';
import type { Reason } from './reason.ts';
import type { Sample } from './signal.ts';

/** What was decided and done, kept for people. The last seconds may be lost in a crash; deciding never reads it. */
export interface LedgerEntry {
  readonly versionId: string;
  readonly functionId: string;
  readonly atMs: number;
  readonly verdict: Verdict;
  readonly previous: number | undefined;
  readonly wanted: number | undefined;
  readonly actual: number | undefined;
  readonly policy: string;
  readonly reasons: readonly Reason[];
  readonly utilisation: readonly Sample[];
  readonly demand: readonly Sample[];
  readonly holder: MemberId;
  /** Present when the decision was acted on. */
  readonly token: FencingToken | undefined;
  readonly outcome: ActuationOutcome | undefined;
  readonly detail: string;
}

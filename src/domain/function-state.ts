import type { Actuation, ActuationOutcome } from './actuation.ts';
import type { Bucket } from './bucket.ts';
import type { FencingToken } from './fencing-token.ts';
import type { MemberId } from './member.ts';

/** A claim is `pending` from the compare-and-set until its outcome is settled. */
export type ClaimPhase = 'pending' | 'settled';

/**
 * The durable row of a function version: the fencing token, the write-ahead record of the wish, and what came of it.
 * It has no TTL: a token that expired would start again below one that a control plane has seen.
 */
export interface FunctionState {
  readonly bucket: Bucket;
  readonly versionId: string;
  readonly token: FencingToken;
  /** Fresh per claim: it shows whether the row is mine when an answer was lost. */
  readonly nonce: string;
  readonly phase: ClaimPhase;
  readonly holder: MemberId;
  readonly wanted: number;
  readonly previous: number | undefined;
  readonly reason: string;
  readonly claimedMs: number;
  /** The last wish that the control plane is known to have accepted, and its token. */
  readonly applied: number | undefined;
  readonly appliedToken: FencingToken;
  readonly outcome: ActuationOutcome | '';
  readonly settledMs: number;
  /** Small JSON that the next owner needs: last known policy, stabilisation memory, back-off. Opaque to stores. */
  readonly memo: string;
}

/**
 * Whether the control plane may hold another wish than the last one it is known to have accepted: an order is on its way,
 * or its answer was lost, or a newer writer had been there.
 */
export function isUnconfirmed({ phase, outcome }: FunctionState): boolean {
  return phase === 'pending' || outcome === 'unknown' || outcome === 'fenced';
}

/**
 * The wish to go on from: the one accepted last, and while it is not known which of two stands, the higher: too many
 * instances for a cycle do less harm than too few. `previous` carries the doubts before this one.
 */
export function standingOf({ phase, outcome, applied, previous, wanted }: FunctionState): number | undefined {
  if (phase !== 'pending' && outcome !== 'unknown') return applied;
  return Math.max(previous ?? applied ?? 0, wanted);
}

/** A wish to take the next token of one version. */
export interface Claim
  extends Pick<
    FunctionState,
    'versionId' | 'token' | 'nonce' | 'holder' | 'wanted' | 'previous' | 'reason' | 'claimedMs' | 'memo'
  > {
  /** The token that the claimer saw; undefined: it saw no row. */
  readonly observed: FencingToken | undefined;
}

/** What came of a claim. Only the holder of exactly this token and nonce may settle. */
export interface Settlement
  extends Pick<FunctionState, 'versionId' | 'token' | 'nonce' | 'applied' | 'appliedToken' | 'settledMs' | 'memo'> {
  readonly outcome: ActuationOutcome;
}

/**
 * Throws for claims that no caller should ever make: one that would not raise the token, or two on one version in one
 * batch. Every store asks this before it sends, because a conditional write would carry them out.
 */
export function assertValidClaims(claims: readonly Claim[]): void {
  const seen = new Set<string>();
  for (const { versionId, observed, token } of claims) {
    if (token <= (observed ?? 0n)) {
      throw new RangeError(`a claim must raise the token: ${versionId} was seen at ${observed}, claimed with ${token}`);
    }
    if (seen.has(versionId)) throw new RangeError(`${versionId} is claimed twice in one batch`);
    seen.add(versionId);
  }
}

/** The row as the claim has made it. */
export function pendingRow(bucket: Bucket, claim: Claim, before: FunctionState | undefined): FunctionState {
  const { observed: _, ...row } = claim;
  const applied = { applied: before?.applied, appliedToken: before?.appliedToken ?? 0n };
  return { ...row, bucket, phase: 'pending', ...applied, outcome: '', settledMs: 0 };
}

/** What is to be written when the control plane has answered, or has not. `before` is the row that the claim replaced. */
export function settlementOf(
  claim: Claim,
  { before, actuation, settledMs }: { before: FunctionState | undefined; actuation: Actuation; settledMs: number },
): Settlement {
  const { versionId, token, nonce, wanted, memo } = claim;
  const row = { versionId, token, nonce, settledMs, memo };
  switch (actuation.outcome) {
    case 'applied':
    case 'already-so':
      return { ...row, applied: wanted, appliedToken: token, outcome: actuation.outcome };
    case 'fenced':
    case 'unknown':
    case 'dry-run':
    case 'failed':
    case 'refused': {
      const applied = before?.applied;
      const appliedToken = before?.appliedToken ?? 0n;
      // A failure says nothing of the order before it: what was in doubt stays in doubt until something is accepted.
      const isInDoubt = actuation.outcome !== 'fenced' && before !== undefined && isUnconfirmed(before);
      return { ...row, applied, appliedToken, outcome: isInDoubt ? 'unknown' : actuation.outcome };
    }
    default:
      return actuation.outcome satisfies never;
  }
}

import type { Actuation } from '../../domain/actuation.ts';
import type { Bucket } from '../../domain/bucket.ts';
import { type Claim, type FunctionState, isUnconfirmed, type Settlement } from '../../domain/function-state.ts';

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

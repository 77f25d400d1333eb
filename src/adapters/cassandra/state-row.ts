import type { ActuationOutcome } from '../../domain/actuation.ts';
import type { Bucket } from '../../domain/bucket.ts';
import type { Claim, FunctionState, Settlement } from '../../domain/function-state.ts';
import type { Row, Write } from './session.ts';

/** No column is ever null: a null is a tombstone, and `IF column = ?` is false against one. */
const NO_COUNT = -1;

const COLUMNS =
  'version_id, fence, nonce, phase, holder, wanted, previous, reason, claimed_ms, applied, applied_fence, outcome, settled_ms, memo';

export const SELECT_BUCKET = `SELECT ${COLUMNS} FROM function_state WHERE bucket = ?`;

const INSERT =
  'INSERT INTO function_state (bucket, version_id, fence, nonce, phase, holder, wanted, previous, reason, claimed_ms,' +
  ' applied, applied_fence, outcome, settled_ms, memo) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) IF NOT EXISTS';

const CLAIM =
  'UPDATE function_state SET fence = ?, nonce = ?, phase = ?, holder = ?, wanted = ?, previous = ?, reason = ?,' +
  ' claimed_ms = ?, memo = ? WHERE bucket = ? AND version_id = ? IF fence = ?';

const SETTLE =
  'UPDATE function_state SET phase = ?, applied = ?, applied_fence = ?, outcome = ?, settled_ms = ?, memo = ?' +
  ' WHERE bucket = ? AND version_id = ? IF fence = ? AND nonce = ?';

const FORGET = 'DELETE FROM function_state WHERE bucket = ? AND version_id = ? IF fence = ? AND phase = ?';

/** The rows of some versions of one bucket: one partition, so it may be read at serial consistency. */
export const SELECT_SOME = `${SELECT_BUCKET} AND version_id IN ?`;

export function claimWrite(bucket: Bucket, claim: Claim): Write {
  const { versionId, observed, token, nonce, holder, reason, memo } = claim;
  const counts = [claim.wanted, claim.previous ?? NO_COUNT];
  const claimedMs = wholeMs(claim.claimedMs);
  if (observed === undefined) {
    const unsettled = [NO_COUNT, 0n, '', 0n];
    const params = [bucket, versionId, token, nonce, 'pending', holder, ...counts, reason, claimedMs];
    return { query: INSERT, params: [...params, ...unsettled, memo] };
  }
  const params = [token, nonce, 'pending', holder, ...counts, reason, claimedMs, memo, bucket, versionId, observed];
  return { query: CLAIM, params };
}

export function settleWrite(bucket: Bucket, settlement: Settlement): Write {
  const { versionId, token, nonce, applied, appliedToken, outcome, memo } = settlement;
  const result = [applied ?? NO_COUNT, appliedToken, outcome, wholeMs(settlement.settledMs), memo];
  return { query: SETTLE, params: ['settled', ...result, bucket, versionId, token, nonce] };
}

export function forgetWrite(bucket: Bucket, versionId: string, token: bigint): Write {
  return { query: FORGET, params: [bucket, versionId, token, 'settled'] };
}

export function toState(bucket: Bucket, row: Row): FunctionState {
  return {
    bucket,
    versionId: row['version_id'] as string,
    token: row['fence'] as bigint,
    nonce: row['nonce'] as string,
    phase: row['phase'] === 'pending' ? 'pending' : 'settled',
    holder: row['holder'] as string,
    wanted: row['wanted'] as number,
    previous: count(row['previous']),
    reason: row['reason'] as string,
    claimedMs: Number(row['claimed_ms']),
    applied: count(row['applied']),
    appliedToken: row['applied_fence'] as bigint,
    outcome: row['outcome'] as ActuationOutcome | '',
    settledMs: Number(row['settled_ms']),
    memo: row['memo'] as string,
  };
}

function count(value: unknown): number | undefined {
  return value === NO_COUNT ? undefined : (value as number);
}

function wholeMs(ms: number): bigint {
  return BigInt(Math.round(ms));
}

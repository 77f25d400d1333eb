import type { ActuationOutcome } from '../../../domain/actuation.ts';
import type { Bucket } from '../../../domain/bucket.ts';
import type { FencingToken } from '../../../domain/fencing-token.ts';
import type { Claim, ClaimPhase, FunctionState, Settlement } from '../../../domain/function-state.ts';
import type { ClaimResult, SettleResult } from '../../../ports/state-keeper.ts';
import type { Columns, Sql } from '../sql.ts';

const COLUMNS = `bucket, version_id, CAST(token AS TEXT), nonce, phase, holder, wanted, previous, reason, claimed_ms,
  applied, CAST(applied_token AS TEXT), outcome, settled_ms, memo`;

export function readStates(sql: Sql, buckets: readonly Bucket[]): Columns[] {
  return sql
    .prepareForArrays(`SELECT ${COLUMNS} FROM function_state WHERE bucket IN (SELECT value FROM json_each(?))`)
    .all(JSON.stringify(buckets)) as unknown as Columns[];
}

export function readState(sql: Sql, bucket: Bucket, versionId: string): FunctionState | undefined {
  const row = sql
    .prepareForArrays(`SELECT ${COLUMNS} FROM function_state WHERE bucket = ? AND version_id = ?`)
    .get(bucket, versionId) as Columns | undefined;
  return row && toFunctionState(row);
}

export function toFunctionState(row: Columns): FunctionState {
  return {
    bucket: row[0] as number,
    versionId: row[1] as string,
    token: BigInt(row[2] as string),
    nonce: row[3] as string,
    phase: row[4] as ClaimPhase,
    holder: row[5] as string,
    wanted: row[6] as number,
    previous: (row[7] as number | null) ?? undefined,
    reason: row[8] as string,
    claimedMs: row[9] as number,
    applied: (row[10] as number | null) ?? undefined,
    appliedToken: BigInt(row[11] as string),
    outcome: row[12] as ActuationOutcome | '',
    settledMs: row[13] as number,
    memo: row[14] as string,
  };
}

export function claimStates(sql: Sql, bucket: Bucket, claims: readonly Claim[]): ClaimResult[] {
  return claims.map((claim) => {
    const { versionId, token, nonce } = claim;
    if (write(sql, bucket, claim) === 1) return { versionId, outcome: 'applied' };
    const current = readState(sql, bucket, versionId);
    // An earlier copy of this very claim, whose answer was lost.
    if (current?.token === token && current.nonce === nonce) return { versionId, outcome: 'applied' };
    return { versionId, outcome: 'lost', current };
  });
}

function write(sql: Sql, bucket: Bucket, claim: Claim): number | bigint {
  const { versionId, observed, token, nonce, holder, wanted, previous = null, reason, memo } = claim;
  const written = [token, nonce, holder, wanted, previous, reason, Math.round(claim.claimedMs), memo];
  if (observed === undefined) {
    return sql
      .prepare(`INSERT OR IGNORE INTO function_state VALUES (?, ?, ?, ?, 'pending', ?, ?, ?, ?, ?, NULL, 0, '', 0, ?)`)
      .run(bucket, versionId, ...written).changes;
  }
  return sql
    .prepare(
      `UPDATE function_state SET token = ?, nonce = ?, phase = 'pending', holder = ?, wanted = ?, previous = ?, reason = ?,
         claimed_ms = ?, memo = ?
       WHERE bucket = ? AND version_id = ? AND token = ?`,
    )
    .run(...written, bucket, versionId, observed).changes;
}

export function settleStates(sql: Sql, bucket: Bucket, settlements: readonly Settlement[]): SettleResult[] {
  const update = sql.prepare(
    `UPDATE function_state SET phase = 'settled', applied = ?, applied_token = ?, outcome = ?, settled_ms = ?, memo = ?
     WHERE bucket = ? AND version_id = ? AND token = ? AND nonce = ?`,
  );
  return settlements.map((settlement) => {
    const { changes } = update.run(
      settlement.applied ?? null,
      settlement.appliedToken,
      settlement.outcome,
      Math.round(settlement.settledMs),
      settlement.memo,
      bucket,
      settlement.versionId,
      settlement.token,
      settlement.nonce,
    );
    return { versionId: settlement.versionId, outcome: changes === 1 ? 'settled' : 'superseded' };
  });
}

export function forgetState(sql: Sql, bucket: Bucket, versionId: string, token: FencingToken): boolean {
  const { changes } = sql
    .prepare(`DELETE FROM function_state WHERE bucket = ? AND version_id = ? AND token = ? AND phase = 'settled'`)
    .run(bucket, versionId, token);
  return changes === 1;
}

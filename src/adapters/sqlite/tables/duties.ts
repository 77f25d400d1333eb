import type { DutyName, DutyRow } from '../../../domain/duty.ts';
import type { FencingToken } from '../../../domain/fencing-token.ts';
import type { Swap } from '../../../ports/store-error.ts';
import type { Sql } from '../sql.ts';

export function readDuty(sql: Sql, duty: DutyName): DutyRow | undefined {
  const row = sql
    .prepare('SELECT CAST(token AS TEXT) AS token, holder, nonce, renewals FROM duties WHERE duty = ?')
    .get(duty);
  if (!row) return undefined;
  return {
    duty,
    token: BigInt(String(row['token'])),
    holder: String(row['holder']),
    nonce: String(row['nonce']),
    renewals: Number(row['renewals']),
  };
}

export function openDuty(sql: Sql, duty: DutyName, tokenFloor: FencingToken): DutyRow {
  sql.prepare(`INSERT OR IGNORE INTO duties VALUES (?, ?, '', '', 0)`).run(duty, tokenFloor);
  const row = readDuty(sql, duty);
  if (!row) throw new Error(`the row of ${duty} was written and is not there`);
  return row;
}

export function takeDuty(
  sql: Sql,
  observed: DutyRow,
  next: Pick<DutyRow, 'token' | 'holder' | 'nonce'>,
): Swap<DutyRow> {
  const { changes } = sql
    .prepare(
      'UPDATE duties SET token = ?, holder = ?, nonce = ?, renewals = 0 WHERE duty = ? AND token = ? AND renewals = ?',
    )
    .run(next.token, next.holder, next.nonce, observed.duty, observed.token, observed.renewals);
  const row = readDuty(sql, observed.duty);
  const isMine = row?.token === next.token && row.nonce === next.nonce;
  return row && (changes === 1 || isMine) ? { outcome: 'applied', row } : { outcome: 'lost', row };
}

export function renewDuty(sql: Sql, held: DutyRow): Swap<DutyRow> {
  const { changes } = sql
    .prepare(`UPDATE duties SET renewals = ? WHERE duty = ? AND token = ? AND nonce = ? AND nonce <> ''`)
    .run(held.renewals + 1, held.duty, held.token, held.nonce);
  const row = readDuty(sql, held.duty);
  return row && changes === 1 ? { outcome: 'applied', row } : { outcome: 'lost', row };
}

/** The nonce goes too: a copy of a renewal that comes late then finds nothing to renew. */
export function releaseDuty(sql: Sql, held: DutyRow): void {
  sql
    .prepare(
      `UPDATE duties SET holder = '', nonce = '', renewals = renewals + 1
       WHERE duty = ? AND token = ? AND nonce = ? AND nonce <> ''`,
    )
    .run(held.duty, held.token, held.nonce);
}

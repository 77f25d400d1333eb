import type { Sql } from '../sql.ts';

/** Few enough that nobody waits long for the one write lock. */
const ROWS_PER_SWEEP = 2000;

const AGED = [
  { table: 'members', key: 'member_id', column: 'expires_ms' },
  { table: 'active_versions', key: 'bucket, version_id', column: 'expires_ms' },
  { table: 'ledger', key: 'entry_id', column: 'expires_ms' },
  { table: 'controls', key: 'kind, version_id', column: 'until_ms' },
] as const;

export function isSweepDue(sql: Sql, nowMs: number): boolean {
  return AGED.some(
    ({ table, column }) =>
      sql.prepare(`SELECT 1 FROM ${table} WHERE ${column} <= ? LIMIT 1`).get(Math.round(nowMs)) !== undefined,
  );
}

/** Deletes a first lot of what has aged out; returns whether there may be more. */
export function sweepAged(sql: Sql, nowMs: number): boolean {
  let isMore = false;
  for (const { table, key, column } of AGED) {
    const { changes } = sql
      .prepare(
        `DELETE FROM ${table} WHERE (${key}) IN (SELECT ${key} FROM ${table} WHERE ${column} <= ? LIMIT ${ROWS_PER_SWEEP})`,
      )
      .run(Math.round(nowMs));
    if (changes === ROWS_PER_SWEEP) isMore = true;
  }
  return isMore;
}

import type { LedgerEntry } from '../../../domain/ledger-entry.ts';
import { parseLossless, stringifyLossless } from '../../../lib/lossless-json.ts';
import type { Sql } from '../sql.ts';

export function recordEntries(sql: Sql, entries: readonly LedgerEntry[], expiresMs: number): void {
  const insert = sql.prepare('INSERT INTO ledger (version_id, at_ms, entry, expires_ms) VALUES (?, ?, ?, ?)');
  for (const entry of entries) {
    insert.run(entry.versionId, Math.round(entry.atMs), stringifyLossless(entry), Math.round(expiresMs));
  }
}

export function recallEntries(
  sql: Sql,
  versionId: string,
  options: { limit: number; beforeMs: number | undefined; nowMs: number },
): LedgerEntry[] {
  const rows = sql
    .prepare(
      `SELECT entry FROM ledger WHERE version_id = ? AND at_ms < ? AND expires_ms > ?
       ORDER BY at_ms DESC, entry_id DESC LIMIT ?`,
    )
    .all(
      versionId,
      Math.ceil(options.beforeMs ?? Number.MAX_SAFE_INTEGER),
      Math.round(options.nowMs),
      Math.max(0, Math.floor(options.limit)),
    );
  return rows.map((row) => parseLossless(String(row['entry'])) as LedgerEntry);
}

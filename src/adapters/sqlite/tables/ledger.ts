import type { LedgerEntry } from '../../../domain/ledger-entry.ts';
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

/**
 * JSON that keeps what plain JSON loses: big integers, infinities and NaN. They travel as objects with one key that no
 * text from outside can forge, since a text stays a text.
 */
export function stringifyLossless(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => {
    if (typeof part === 'bigint') return { $bigint: part.toString() };
    if (typeof part === 'number' && !Number.isFinite(part)) return { $number: String(part) };
    return part;
  });
}

export function parseLossless(text: string): unknown {
  return JSON.parse(text, (_key, part: unknown) => {
    if (typeof part !== 'object' || part === null) return part;
    if ('$bigint' in part && typeof part.$bigint === 'string') return BigInt(part.$bigint);
    if ('$number' in part && typeof part.$number === 'string') return Number(part.$number);
    return part;
  });
}

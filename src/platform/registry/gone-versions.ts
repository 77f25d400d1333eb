import type { Clock } from '../../lib/clock.ts';
import type { Sql } from './database.ts';
import type { RegisteredVersion } from './registered-version.ts';
import type { WishTable } from './wish-table.ts';

/**
 * How long a deleted version and its fencing token are remembered. An autoscaler gives up an order that it has claimed within
 * minutes, and one that was frozen meanwhile begins anew when it wakes: no autoscaler writes an order that is a month old.
 */
export const REMEMBERED_MS = 30 * 24 * 3_600_000;

/** Versions that were deleted. Their ids are answered with `gone`, and their tokens still order writers should an id come back. */
export class GoneVersions {
  readonly #sql: Sql;
  readonly #clock: Clock;
  readonly #wishes: WishTable;
  /** When each was deleted, oldest first. */
  readonly #deletedMs = new Map<string, number>();

  constructor(sql: Sql, clock: Clock, wishes: WishTable) {
    this.#sql = sql;
    this.#clock = clock;
    this.#wishes = wishes;
    const rows = sql.all<{ id: string; deletedMs: number }>(
      'SELECT version_id AS id, deleted_ms AS deletedMs FROM gone_versions ORDER BY deleted_ms',
    );
    for (const { id, deletedMs } of rows) this.#deletedMs.set(id, deletedMs);
  }

  has(versionId: string): boolean {
    return this.#deletedMs.has(versionId);
  }

  /** On disk; within the transaction that deletes the version. */
  add({ versionId, functionId, account }: RegisteredVersion): void {
    const deletedMs = Math.round(this.#clock.wallMs());
    const put = 'INSERT OR REPLACE INTO gone_versions VALUES (?, ?, ?, ?)';
    this.#sql.run(put, versionId, functionId, account, deletedMs);
    this.#deletedMs.delete(versionId);
    this.#deletedMs.set(versionId, deletedMs);
  }

  /** Forgets what was deleted too long ago. `isHere`: the id has come back. */
  forgetOld(isHere: (versionId: string) => boolean): void {
    const sinceMs = this.#clock.wallMs() - REMEMBERED_MS;
    const old: string[] = [];
    for (const [versionId, deletedMs] of this.#deletedMs) {
      if (deletedMs >= sinceMs) break;
      old.push(versionId);
    }
    if (old.length === 0) return;
    this.#sql.transaction(() => {
      for (const versionId of old) {
        this.#sql.run('DELETE FROM gone_versions WHERE version_id = ?', versionId);
        if (!isHere(versionId)) this.#wishes.forget(versionId);
      }
    });
    for (const versionId of old) this.#deletedMs.delete(versionId);
  }
}

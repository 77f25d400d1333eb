import type { Trigger, TriggerSettings } from '../model/trigger.ts';
import type { Sql } from './database.ts';

/** A trigger as it is kept. `dueMs`: when a schedule fires next. */
export interface StoredTrigger {
  readonly trigger: Trigger;
  readonly dueMs: number | undefined;
}

/** Triggers on disk. Their function takes them along when it is deleted, as their version does. */
export class TriggerTable {
  readonly #sql: Sql;

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  /** In the order in which they were made. */
  all(): StoredTrigger[] {
    return this.#sql.all('SELECT * FROM triggers ORDER BY rowid').map((row) => ({
      trigger: {
        triggerId: String(row['trigger_id']),
        functionId: String(row['function_id']),
        versionId: (row['version_id'] as string | null) ?? undefined,
        isEnabled: row['is_enabled'] === 1,
        settings: JSON.parse(String(row['settings'])) as TriggerSettings,
        createdMs: Number(row['created_ms']),
        updatedMs: Number(row['updated_ms']),
      },
      dueMs: (row['due_ms'] as number | null) ?? undefined,
    }));
  }

  /** All of them or none. */
  put(stored: readonly StoredTrigger[]): void {
    this.#sql.transaction(() => {
      for (const { trigger, dueMs } of stored) {
        this.#sql.run(
          `INSERT INTO triggers VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (trigger_id) DO UPDATE SET
             is_enabled = excluded.is_enabled, settings = excluded.settings, due_ms = excluded.due_ms,
             updated_ms = excluded.updated_ms`,
          trigger.triggerId,
          trigger.functionId,
          trigger.versionId ?? null,
          trigger.isEnabled ? 1 : 0,
          JSON.stringify(trigger.settings),
          dueMs ?? null,
          Math.round(trigger.createdMs),
          Math.round(trigger.updatedMs),
        );
      }
    });
  }

  setDue(due: ReadonlyMap<string, number | undefined>): void {
    if (due.size === 0) return;
    this.#sql.transaction(() => {
      for (const [triggerId, dueMs] of due) {
        this.#sql.run('UPDATE triggers SET due_ms = ? WHERE trigger_id = ?', dueMs ?? null, triggerId);
      }
    });
  }

  remove(triggerId: string): void {
    this.#sql.run('DELETE FROM triggers WHERE trigger_id = ?', triggerId);
  }
}

import type { QueuedMessage } from '../model/triggers.ts';
import type { Sql } from './database.ts';

/** A message that is being delivered. Its number sets it apart from all others, also from those that were here before. */
export interface LeasedMessage extends QueuedMessage {
  readonly number: number;
}

export interface MessageCounts {
  readonly waiting: number;
  readonly leased: number;
  readonly dead: number;
}

type State = 'waiting' | 'leased' | 'dead';
type Row = Record<string, unknown>;

/**
 * Messages on disk: each for one trigger, until it was delivered or is cleared from the dead. A delivery is counted before it
 * begins, so that a message that ends the platform is given up after some attempts.
 */
export class MessageTable {
  readonly #sql: Sql;

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  /** What was on its way when the platform ended is to be delivered again: no other process can have it. */
  returnLeased(): void {
    this.#sql.transaction(() =>
      this.#sql.prepare("UPDATE messages SET state = 'waiting' WHERE state = 'leased'").run(),
    );
  }

  /** By trigger. */
  counts(): Map<string, MessageCounts> {
    const rows = this.#sql
      .prepare('SELECT trigger_id, state, COUNT(*) AS count FROM messages GROUP BY trigger_id, state')
      .all() as Row[];
    const counts = new Map<string, Record<State, number>>();
    for (const row of rows) {
      const triggerId = String(row['trigger_id']);
      const of = counts.get(triggerId) ?? { waiting: 0, leased: 0, dead: 0 };
      of[row['state'] as State] = Number(row['count']);
      counts.set(triggerId, of);
    }
    return counts;
  }

  /** For each of these triggers, or for none. */
  add(triggerIds: readonly string[], message: { messageId: string; payload: Uint8Array; nowMs: number }): void {
    const { messageId, payload, nowMs } = message;
    this.#sql.transaction(() => {
      const insert = this.#sql.prepare("INSERT INTO messages VALUES (NULL, ?, ?, 'waiting', 0, 0, ?, ?, '')");
      for (const triggerId of triggerIds) insert.run(messageId, triggerId, Math.round(nowMs), payload);
    });
  }

  /** The oldest that are due, counted as delivered once more. One that failed before comes alone. */
  lease(triggerId: string, { nowMs, countMax }: { nowMs: number; countMax: number }): LeasedMessage[] {
    const due = this.#sql
      .prepare(
        "SELECT * FROM messages WHERE trigger_id = ? AND state = 'waiting' AND due_ms <= ? ORDER BY due_ms, number LIMIT ?",
      )
      .all(triggerId, Math.round(nowMs), countMax) as Row[];
    const failed = due.findIndex((row) => Number(row['attempts']) > 0);
    const rows = failed < 0 ? due : due.slice(0, Math.max(1, failed));
    if (rows.length === 0) return [];
    this.#sql.transaction(() => {
      const update = this.#sql.prepare(
        "UPDATE messages SET state = 'leased', attempts = attempts + 1 WHERE number = ?",
      );
      for (const row of rows) update.run(Number(row['number']));
    });
    return rows.map((row) => ({
      ...messageOf(row),
      number: Number(row['number']),
      attempts: Number(row['attempts']) + 1,
    }));
  }

  /** When the next one is due; undefined: none waits. */
  nextDueMs(triggerId: string): number | undefined {
    const row = this.#sql
      .prepare("SELECT MIN(due_ms) AS due FROM messages WHERE trigger_id = ? AND state = 'waiting'")
      .get(triggerId) as Row | undefined;
    return typeof row?.['due'] === 'number' ? row['due'] : undefined;
  }

  oldestMs(triggerId: string): number | undefined {
    const row = this.#sql
      .prepare("SELECT MIN(enqueued_ms) AS oldest FROM messages WHERE trigger_id = ? AND state = 'waiting'")
      .get(triggerId) as Row | undefined;
    return typeof row?.['oldest'] === 'number' ? row['oldest'] : undefined;
  }

  /** They were delivered. */
  remove(messages: readonly LeasedMessage[]): void {
    this.#sql.transaction(() => {
      const remove = this.#sql.prepare('DELETE FROM messages WHERE number = ?');
      for (const { number } of messages) remove.run(number);
    });
  }

  /** They were not: once more later, or never again. */
  settle(
    ends: readonly {
      message: LeasedMessage;
      state: 'waiting' | 'dead';
      dueMs: number;
      attempts: number;
      error: string;
    }[],
  ): void {
    this.#sql.transaction(() => {
      const update = this.#sql.prepare(
        'UPDATE messages SET state = ?, due_ms = ?, attempts = ?, last_error = ? WHERE number = ?',
      );
      for (const { message, state, dueMs, attempts, error } of ends) {
        update.run(state, Math.round(dueMs), attempts, error, message.number);
      }
    });
  }

  /** The newest first. */
  dead(triggerId: string, limit: number): QueuedMessage[] {
    const rows = this.#sql
      .prepare("SELECT * FROM messages WHERE trigger_id = ? AND state = 'dead' ORDER BY number DESC LIMIT ?")
      .all(triggerId, limit) as Row[];
    return rows.map(messageOf);
  }

  /** Keeps the newest so many dead ones. Returns how many went. */
  trimDead(triggerId: string, keep: number): number {
    return this.#change(
      `DELETE FROM messages WHERE trigger_id = ?1 AND state = 'dead' AND number NOT IN (
         SELECT number FROM messages WHERE trigger_id = ?1 AND state = 'dead' ORDER BY number DESC LIMIT ?2)`,
      [triggerId, keep],
    );
  }

  /** To be delivered as if they were new. Returns how many. */
  revive(triggerId: string): number {
    return this.#change(
      "UPDATE messages SET state = 'waiting', due_ms = 0, attempts = 0 WHERE trigger_id = ? AND state = 'dead'",
      [triggerId],
    );
  }

  /** Returns how many went. */
  clear(triggerId: string, state: 'waiting' | 'dead'): number {
    return this.#change('DELETE FROM messages WHERE trigger_id = ? AND state = ?', [triggerId, state]);
  }

  #change(text: string, values: readonly (string | number)[]): number {
    return this.#sql.transaction(() => Number(this.#sql.prepare(text).run(...values).changes));
  }
}

function messageOf(row: Row): QueuedMessage {
  return {
    messageId: String(row['message_id']),
    triggerId: String(row['trigger_id']),
    attempts: Number(row['attempts']),
    enqueuedMs: Number(row['enqueued_ms']),
    payload: row['payload'] as Uint8Array,
    lastError: String(row['last_error']),
  };
}

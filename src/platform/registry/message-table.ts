import type { QueueDepth, QueuedMessage } from '../model/triggers.ts';
import type { Sql } from './database.ts';

/** A message that is being delivered. Its number sets it apart from all others, also from those that were here before. */
export interface LeasedMessage extends QueuedMessage {
  readonly number: number;
}

type State = keyof QueueDepth;

const MESSAGE =
  'message_id AS messageId, trigger_id AS triggerId, attempts, enqueued_ms AS enqueuedMs, payload, last_error AS lastError';

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
    this.#sql.run("UPDATE messages SET state = 'waiting' WHERE state = 'leased'");
  }

  /** By trigger. */
  counts(): Map<string, QueueDepth> {
    const rows = this.#sql.all<{ triggerId: string; state: State; count: number }>(
      'SELECT trigger_id AS triggerId, state, COUNT(*) AS count FROM messages GROUP BY trigger_id, state',
    );
    const counts = new Map<string, QueueDepth>();
    for (const { triggerId, state, count } of rows) {
      counts.set(triggerId, { waiting: 0, leased: 0, dead: 0, ...counts.get(triggerId), [state]: count });
    }
    return counts;
  }

  /** For each of these triggers, or for none. */
  add(triggerIds: readonly string[], message: { messageId: string; payload: Uint8Array; nowMs: number }): void {
    const { messageId, payload, nowMs } = message;
    const insert = "INSERT INTO messages VALUES (NULL, ?, ?, 'waiting', 0, 0, ?, ?, '')";
    this.#sql.transaction(() => {
      for (const triggerId of triggerIds) this.#sql.run(insert, messageId, triggerId, Math.round(nowMs), payload);
    });
  }

  /** The oldest that are due, counted as delivered once more. One that failed before comes alone. */
  lease(triggerId: string, { nowMs, countMax }: { nowMs: number; countMax: number }): LeasedMessage[] {
    const due = this.#sql.all<LeasedMessage>(
      `SELECT number, ${MESSAGE} FROM messages
       WHERE trigger_id = ? AND state = 'waiting' AND due_ms <= ? ORDER BY due_ms, number LIMIT ?`,
      triggerId,
      Math.round(nowMs),
      countMax,
    );
    const failed = due.findIndex(({ attempts }) => attempts > 0);
    const messages = failed < 0 ? due : due.slice(0, Math.max(1, failed));
    if (messages.length === 0) return [];
    this.#sql.transaction(() => {
      for (const { number } of messages) {
        this.#sql.run("UPDATE messages SET state = 'leased', attempts = attempts + 1 WHERE number = ?", number);
      }
    });
    return messages.map((message) => ({ ...message, attempts: message.attempts + 1 }));
  }

  /** When the next one is due; undefined: none waits. */
  nextDueMs(triggerId: string): number | undefined {
    return this.#leastOfWaiting('due_ms', triggerId);
  }

  oldestMs(triggerId: string): number | undefined {
    return this.#leastOfWaiting('enqueued_ms', triggerId);
  }

  /** They were delivered. */
  remove(messages: readonly LeasedMessage[]): void {
    this.#sql.transaction(() => {
      for (const { number } of messages) this.#sql.run('DELETE FROM messages WHERE number = ?', number);
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
    const update = 'UPDATE messages SET state = ?, due_ms = ?, attempts = ?, last_error = ? WHERE number = ?';
    this.#sql.transaction(() => {
      for (const { message, state, dueMs, attempts, error } of ends) {
        this.#sql.run(update, state, Math.round(dueMs), attempts, error, message.number);
      }
    });
  }

  /** The newest first. */
  dead(triggerId: string, limit: number): QueuedMessage[] {
    return this.#sql.all<QueuedMessage>(
      `SELECT ${MESSAGE} FROM messages WHERE trigger_id = ? AND state = 'dead' ORDER BY number DESC LIMIT ?`,
      triggerId,
      limit,
    );
  }

  /** Keeps the newest so many dead ones. Returns how many went. */
  trimDead(triggerId: string, keep: number): number {
    return this.#sql.run(
      `DELETE FROM messages WHERE trigger_id = ?1 AND state = 'dead' AND number NOT IN (
         SELECT number FROM messages WHERE trigger_id = ?1 AND state = 'dead' ORDER BY number DESC LIMIT ?2)`,
      triggerId,
      keep,
    );
  }

  /** To be delivered as if they were new. Returns how many. */
  revive(triggerId: string): number {
    return this.#sql.run(
      "UPDATE messages SET state = 'waiting', due_ms = 0, attempts = 0 WHERE trigger_id = ? AND state = 'dead'",
      triggerId,
    );
  }

  /** Returns how many went. */
  clear(triggerId: string, state: 'waiting' | 'dead'): number {
    return this.#sql.run('DELETE FROM messages WHERE trigger_id = ? AND state = ?', triggerId, state);
  }

  #leastOfWaiting(column: 'due_ms' | 'enqueued_ms', triggerId: string): number | undefined {
    const least = `SELECT MIN(${column}) AS ms FROM messages WHERE trigger_id = ? AND state = 'waiting'`;
    return this.#sql.get<{ ms: number | null }>(least, triggerId)?.ms ?? undefined;
  }
}

import { formatToken, judgeWrite, parseToken } from '../../contract/fencing.ts';
import type { PredictionAnswer, PredictionBody } from '../../contract/prediction.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Sql } from './database.ts';

/** The last write that was accepted for a version. */
export interface StoredWish {
  readonly token: bigint;
  readonly body: PredictionBody;
  readonly answer: PredictionAnswer;
  readonly acceptedMs: number;
}

export type WishWriteResult =
  | { readonly kind: 'accepted' | 'repeated'; readonly answer: PredictionAnswer }
  | { readonly kind: 'stale'; readonly storedToken: bigint };

/**
 * Fencing tokens and wishes, on disk before they are answered. Check and write are one step: everything here is synchronous,
 * and the process has the file to itself. Tokens outlive their versions for a while.
 */
export class WishTable {
  readonly #sql: Sql;
  readonly #clock: Clock;
  readonly #stored = new Map<string, StoredWish>();

  constructor(sql: Sql, clock: Clock) {
    this.#sql = sql;
    this.#clock = clock;
    const rows = sql.all('SELECT version_id, CAST(token AS TEXT) AS token, body, answer, accepted_ms FROM fences');
    for (const row of rows) {
      this.#stored.set(String(row['version_id']), {
        token: parseToken(row['token']) ?? 0n,
        body: JSON.parse(String(row['body'])) as PredictionBody,
        answer: JSON.parse(String(row['answer'])) as PredictionAnswer,
        acceptedMs: Number(row['accepted_ms']),
      });
    }
  }

  of(versionId: string): StoredWish | undefined {
    return this.#stored.get(versionId);
  }

  /** `answer` is called only for a write that is accepted, and must not await. */
  write(
    versionId: string,
    { token, body, answer }: { token: bigint; body: PredictionBody; answer: () => PredictionAnswer },
  ): WishWriteResult {
    const stored = this.#stored.get(versionId);
    switch (judgeWrite(stored, { token, body })) {
      case 'stale':
        return { kind: 'stale', storedToken: stored?.token ?? 0n };
      case 'repeat':
        return { kind: 'repeated', answer: stored?.answer ?? answer() };
      default: {
        const wish = { token, body, answer: answer(), acceptedMs: this.#clock.wallMs() };
        this.#sql.run(
          `INSERT INTO fences VALUES (?, CAST(? AS INTEGER), ?, ?, ?) ON CONFLICT (version_id) DO UPDATE SET
             token = excluded.token, body = excluded.body, answer = excluded.answer, accepted_ms = excluded.accepted_ms`,
          versionId,
          formatToken(wish.token),
          JSON.stringify(wish.body),
          JSON.stringify(wish.answer),
          Math.round(wish.acceptedMs),
        );
        this.#stored.set(versionId, wish);
        return { kind: 'accepted', answer: wish.answer };
      }
    }
  }

  /** Of a version that is gone for good; within the caller's transaction. */
  forget(versionId: string): void {
    this.#sql.run('DELETE FROM fences WHERE version_id = ?', versionId);
    this.#stored.delete(versionId);
  }
}

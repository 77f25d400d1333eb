import type { Clock } from '../../lib/clock.ts';
import { grown, RowNumbers } from '../../lib/row-numbers.ts';

/** Longer than a scrape outage that one rides out, shorter than an hour of functions that are no more. */
const REMEMBERED_MS = 15 * 60_000;

/** Counters of one query over one part, in columns. */
interface Watched {
  readonly rows: RowNumbers;
  values: Float64Array;
  seenMs: Float64Array;
  sweptMs: number;
}

/** Call counters as last read, to tell which have moved: thirty times cheaper for the store than a rate over the past. */
export class CallCounters {
  readonly #clock: Clock;
  readonly #byKey = new Map<string, Watched>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether there was a look before, so that a counter nobody knows is a new one. */
  isWatching(key: string): boolean {
    return this.#byKey.has(key);
  }

  hasMoved(key: string, versionId: string, value: number): boolean {
    const nowMs = this.#clock.monotonicMs();
    const watched = this.#byKey.get(key) ?? {
      rows: new RowNumbers(),
      values: new Float64Array(),
      seenMs: new Float64Array(),
      sweptMs: nowMs,
    };
    this.#byKey.set(key, watched);
    const known = watched.rows.of(versionId);
    if (known === undefined) this.#sweep(watched, nowMs);
    const row = known ?? watched.rows.take(versionId);
    watched.values = grown(watched.values, row, 0);
    watched.seenMs = grown(watched.seenMs, row, 0);
    const hasMoved = known === undefined ? value > 0 : watched.values[row] !== value;
    watched.values[row] = value;
    watched.seenMs[row] = nowMs;
    return hasMoved;
  }

  forget(key: string): void {
    this.#byKey.delete(key);
  }

  #sweep(watched: Watched, nowMs: number): void {
    if (nowMs - watched.sweptMs < REMEMBERED_MS) return;
    watched.sweptMs = nowMs;
    for (const versionId of watched.rows.ids()) {
      const seenMs = watched.seenMs[watched.rows.of(versionId) ?? 0] ?? 0;
      if (nowMs - seenMs > REMEMBERED_MS) watched.rows.release(versionId);
    }
  }
}

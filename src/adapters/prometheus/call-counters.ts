import type { Clock } from '../../lib/clock.ts';

/** Longer than a scrape outage that one rides out, shorter than an hour of functions that are no more. */
const REMEMBERED_MS = 15 * 60_000;

interface Counter {
  value: number;
  seenMs: number;
}

/** Call counters as last read, to tell which have moved: thirty times cheaper for the store than a rate over the past. */
export class CallCounters {
  readonly #clock: Clock;
  readonly #byKey = new Map<string, { counters: Map<string, Counter>; sweptMs: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether there was a look before, so that a counter nobody knows is a new one. */
  isWatching(key: string): boolean {
    return this.#byKey.has(key);
  }

  hasMoved(key: string, versionId: string, value: number): boolean {
    const nowMs = this.#clock.monotonicMs();
    const watched = this.#byKey.get(key) ?? { counters: new Map<string, Counter>(), sweptMs: nowMs };
    this.#byKey.set(key, watched);
    const counter = watched.counters.get(versionId);
    if (!counter) {
      this.#sweep(watched, nowMs);
      watched.counters.set(versionId, { value, seenMs: nowMs });
      return value > 0;
    }
    const hasMoved = counter.value !== value;
    counter.value = value;
    counter.seenMs = nowMs;
    return hasMoved;
  }

  forget(key: string): void {
    this.#byKey.delete(key);
  }

  #sweep(watched: { counters: Map<string, Counter>; sweptMs: number }, nowMs: number): void {
    if (nowMs - watched.sweptMs < REMEMBERED_MS) return;
    watched.sweptMs = nowMs;
    for (const [versionId, { seenMs }] of watched.counters) {
      if (nowMs - seenMs > REMEMBERED_MS) watched.counters.delete(versionId);
    }
  }
}

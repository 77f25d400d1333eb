import type { Clock } from './clock.ts';
import { withDeadline } from './deadline.ts';
import type { Random } from './random.ts';

export interface ExpiringValueOptions<T> {
  readonly clock: Clock;
  readonly random: Random;
  /** Gets a new one. `expiresInMs` undefined: the issuer did not say. */
  readonly fetch: (signal: AbortSignal) => Promise<{ value: T; expiresInMs: number | undefined }>;
  /** For messages: "getting the access token". */
  readonly what?: string;
  readonly timeoutMs?: number;
  /** A value is renewed in the background after this share of its life, give or take a little. */
  readonly refreshAtShare?: number;
  /** No value is believed to live longer, whatever its issuer says. */
  readonly lifeMaxMs?: number;
  /** The pause after a failed fetch doubles up to this, with jitter. */
  readonly pauseMaxMs?: number;
  /** A value younger than this is not dropped: one that is refused while new is not cured by another. */
  readonly dropMinAgeMs?: number;
  /** So many refusals without an `accept` in between, and the next fetch waits like after a failed one. */
  readonly refusalsMax?: number;
}

export interface ExpiringValueStatus {
  readonly state: 'never-fetched' | 'valid' | 'expired';
  /** Until the value in hand ends; undefined without one. */
  readonly expiresInMs: number | undefined;
  readonly failuresInARow: number;
  /** Until the next fetch is tried, after a failed one. */
  readonly pausedMs: number;
  readonly lastError: string;
}

interface Held<T> {
  readonly value: T;
  readonly fetchedMs: number;
  readonly refreshMs: number;
  readonly expiresMs: number;
}

const SHORTEST_LIFE_MS = 1_000;
/** The life of a value whose issuer does not say. */
const UNSAID_LIFE_MS = 300_000;
const JITTER_SHARE = 0.05;
const FIRST_PAUSE_MS = 1_000;

/**
 * A value that somebody issues for a while, such as an access token. One fetch at a time however many ask; renewed before
 * it ends; kept while it is valid when renewing fails; dropped when somebody was refused with it.
 */
export class ExpiringValue<T> {
  readonly #options: Required<ExpiringValueOptions<T>>;
  #held: Held<T> | undefined;
  #fetching: Promise<T> | undefined;
  #notBeforeMs = Number.NEGATIVE_INFINITY;
  #failures = 0;
  #refusals = 0;
  #lastError: unknown;
  /** Grows with every reset: what was fetched with the old secret is not kept. */
  #era = 0;

  constructor(options: ExpiringValueOptions<T>) {
    this.#options = {
      what: 'getting the value',
      timeoutMs: 5_000,
      refreshAtShare: 0.8,
      lifeMaxMs: 3_600_000,
      pauseMaxMs: 60_000,
      dropMinAgeMs: 5_000,
      refusalsMax: Number.POSITIVE_INFINITY,
      ...options,
    };
  }

  /** The value in hand, or a new one. Rejects at once, with the last error, while a failed fetch is being waited out. */
  async get(signal?: AbortSignal): Promise<T> {
    signal?.throwIfAborted();
    const nowMs = this.#options.clock.monotonicMs();
    const held = this.#held;
    if (held && nowMs < held.expiresMs) {
      if (nowMs >= held.refreshMs && nowMs >= this.#notBeforeMs) this.#fetchOnce().catch(() => {});
      return held.value;
    }
    if (!this.#fetching && nowMs < this.#notBeforeMs)
      throw this.#lastError ?? new Error('it was refused even when new');
    return orAborted(this.#fetchOnce(), signal);
  }

  /**
   * Somebody was refused with this value. True: asking again gets another one. A value that was replaced meanwhile, by
   * the first one to notice, is not dropped twice.
   */
  drop(value: T): boolean {
    const held = this.#held;
    if (!held || held.value !== value) return true;
    const { clock, dropMinAgeMs, refusalsMax } = this.#options;
    if (clock.monotonicMs() - held.fetchedMs < dropMinAgeMs) return false;
    this.#held = undefined;
    this.#refusals += 1;
    if (this.#refusals <= refusalsMax) return true;
    this.#pause(this.#refusals - refusalsMax);
    return false;
  }

  /** Somebody was let through with a value: whatever was wrong is over. */
  accept(): void {
    this.#refusals = 0;
  }

  /** What it was fetched with has changed (a new secret): the next one to ask fetches at once. */
  reset(): void {
    this.#held = undefined;
    this.#fetching = undefined;
    this.#notBeforeMs = Number.NEGATIVE_INFINITY;
    this.#failures = 0;
    this.#refusals = 0;
    this.#era += 1;
  }

  status(): ExpiringValueStatus {
    const leftMs = this.#held ? this.#held.expiresMs - this.#options.clock.monotonicMs() : undefined;
    return {
      state: leftMs === undefined ? 'never-fetched' : leftMs > 0 ? 'valid' : 'expired',
      expiresInMs: leftMs === undefined ? undefined : Math.max(0, leftMs),
      failuresInARow: this.#failures,
      pausedMs: Math.max(0, this.#notBeforeMs - this.#options.clock.monotonicMs()),
      lastError: this.#lastError instanceof Error ? this.#lastError.message : '',
    };
  }

  /** Not bound to any asker's signal: the others still want it. The deadline ends it. */
  #fetchOnce(): Promise<T> {
    if (this.#fetching) return this.#fetching;
    const era = this.#era;
    const fetching = this.#fetch(era).finally(() => {
      if (era === this.#era) this.#fetching = undefined;
    });
    this.#fetching = fetching;
    return fetching;
  }

  async #fetch(era: number): Promise<T> {
    const { clock, fetch, timeoutMs, what } = this.#options;
    try {
      const got = await withDeadline({ clock, what, afterMs: timeoutMs }, fetch);
      if (era !== this.#era) return got.value;
      this.#held = this.#hold(got);
      this.#failures = 0;
      this.#notBeforeMs = Number.NEGATIVE_INFINITY;
      this.#lastError = undefined;
      return got.value;
    } catch (error) {
      if (era !== this.#era) throw error;
      this.#failures += 1;
      this.#lastError = error;
      this.#pause(this.#failures);
      throw error;
    }
  }

  #hold({ value, expiresInMs }: { value: T; expiresInMs: number | undefined }): Held<T> {
    const { clock, random, lifeMaxMs, refreshAtShare } = this.#options;
    const saidMs = expiresInMs !== undefined && Number.isFinite(expiresInMs) ? expiresInMs : UNSAID_LIFE_MS;
    // A life of nothing would mean one fetch per use; the refusal that follows drops the value anyway.
    const lifeMs = Math.max(SHORTEST_LIFE_MS, Math.min(saidMs, lifeMaxMs));
    const share = Math.min(0.99, Math.max(0.05, refreshAtShare + (random.next() * 2 - 1) * JITTER_SHARE));
    const nowMs = clock.monotonicMs();
    return { value, fetchedMs: nowMs, refreshMs: nowMs + lifeMs * share, expiresMs: nowMs + lifeMs };
  }

  #pause(timesInARow: number): void {
    const { pauseMaxMs, random, clock } = this.#options;
    const grownMs = Math.min(pauseMaxMs, FIRST_PAUSE_MS * 2 ** Math.min(timesInARow - 1, 20));
    this.#notBeforeMs = clock.monotonicMs() + grownMs * (0.5 + random.next() / 2);
  }
}

function orAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return work;
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const onAbort = () => reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  return promise;
}

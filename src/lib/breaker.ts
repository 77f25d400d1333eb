import type { Clock } from './clock.ts';
import type { Random } from './random.ts';

export type BreakerState = 'closed' | 'half-open' | 'open';
/** As metrics show them. */
export const BREAKER_NUMBER: Readonly<Record<BreakerState, number>> = { closed: 0, 'half-open': 1, open: 2 };

/** What one attempt says of the other side. `unknown`: nothing, as when it was broken off from here. */
export type Health = 'well' | 'ill' | 'unknown';

/** Nothing was sent: the other side has been failing. */
export class BreakerOpen extends Error {
  readonly retryAfterMs: number;
  constructor(retryAfterMs: number) {
    super(`it failed repeatedly; asked again in ${Math.ceil(retryAfterMs)} ms`);
    this.name = 'BreakerOpen';
    this.retryAfterMs = retryAfterMs;
  }
}

/** How long others are turned away while one request finds out whether it works again. */
const PROBE_MS = 500;

export interface BreakerOptions<T> {
  readonly clock: Clock;
  readonly random: Random;
  /** So many failures in a row open it. */
  readonly failures: number;
  readonly openForMs: number;
  readonly ofResult: (result: T) => Health;
  readonly ofError: (error: unknown) => Health;
  readonly onChange?: ((state: BreakerState) => void) | undefined;
}

/**
 * Leaves somebody who fails again and again alone for a while, then lets one request through to see. By the monotonic
 * clock: by a wall clock that is set back it would stay open for as long.
 */
export class Breaker<T> {
  readonly #options: BreakerOptions<T>;
  #state: BreakerState = 'closed';
  #failuresInRow = 0;
  #openUntilMs = 0;

  constructor(options: BreakerOptions<T>) {
    this.#options = options;
  }

  get state(): BreakerState {
    return this.#state;
  }

  /** Zero: a request may go now. */
  msUntilNext(): number {
    switch (this.#state) {
      case 'closed':
        return 0;
      case 'half-open':
        return PROBE_MS;
      case 'open':
        return Math.max(0, this.#openUntilMs - this.#options.clock.monotonicMs());
      default:
        return this.#state satisfies never;
    }
  }

  /** Runs the work, or rejects with BreakerOpen and runs nothing. */
  async run<R extends T>(work: () => Promise<R>): Promise<R> {
    const waitMs = this.msUntilNext();
    if (waitMs > 0) throw new BreakerOpen(waitMs);
    const isProbe = this.#state === 'open';
    if (isProbe) this.#enter('half-open');
    try {
      const result = await work();
      this.#onAnswer(this.#options.ofResult(result), isProbe);
      return result;
    } catch (error) {
      this.#onAnswer(this.#options.ofError(error), isProbe);
      throw error;
    }
  }

  /** What was sent before it opened, and is answered later, opens it no further and closes nothing. */
  #onAnswer(health: Health, isProbe: boolean): void {
    if (!isProbe && this.#state !== 'closed') return;
    if (health === 'well') {
      this.#failuresInRow = 0;
      this.#enter('closed');
    } else if (health === 'ill') {
      this.#failuresInRow += 1;
      if (isProbe || this.#failuresInRow >= this.#options.failures) this.#open();
    } else if (isProbe) {
      // Nothing was found out: the next one may try at once.
      this.#enter('open');
    }
  }

  #open(): void {
    const { clock, random, openForMs } = this.#options;
    // Not all members at the same moment.
    this.#openUntilMs = clock.monotonicMs() + openForMs * (0.9 + random.next() * 0.2);
    this.#enter('open');
  }

  #enter(state: BreakerState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#options.onChange?.(state);
  }
}

import {
  BrokenCircuitError,
  type CircuitBreakerPolicy,
  CircuitState,
  ConsecutiveBreaker,
  circuitBreaker,
  handleWhenResult,
} from 'cockatiel';
import type { Clock } from '../../lib/clock.ts';
import type { Random } from '../../lib/random.ts';

export type BreakerState = 'closed' | 'half-open' | 'open';

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
const TRIAL_MS = 500;

/**
 * Leaves a failing control plane alone for a while, then lets one request through to see. The states are cockatiel's; how
 * long it stays open is measured here, because cockatiel reads the wall clock, which may jump back by an hour.
 */
export class Breaker {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #openForMs: number;
  readonly #policy: CircuitBreakerPolicy;
  #openUntilMs = 0;

  constructor(options: {
    clock: Clock;
    random: Random;
    failures: number;
    openForMs: number;
    onChange?: (state: BreakerState) => void;
  }) {
    this.#clock = options.clock;
    this.#random = options.random;
    this.#openForMs = options.openForMs;
    this.#policy = circuitBreaker(
      handleWhenResult(
        (result) => typeof result === 'object' && result !== null && 'isOutage' in result && result.isOutage === true,
      ),
      { breaker: new ConsecutiveBreaker(options.failures), halfOpenAfter: Number.NEGATIVE_INFINITY },
    );
    this.#policy.onBreak(() => {
      // Not all members at the same moment.
      this.#openUntilMs = this.#clock.monotonicMs() + this.#openForMs * (0.9 + this.#random.next() * 0.2);
    });
    this.#policy.onStateChange(() => options.onChange?.(this.state));
  }

  get state(): BreakerState {
    switch (this.#policy.state) {
      case CircuitState.Closed:
        return 'closed';
      case CircuitState.HalfOpen:
        return 'half-open';
      default:
        return 'open';
    }
  }

  /** Zero: a request may go now. */
  msUntilNext(): number {
    if (this.state === 'half-open') return TRIAL_MS;
    return this.state === 'open' ? Math.max(0, this.#openUntilMs - this.#clock.monotonicMs()) : 0;
  }

  /** Runs the work, or rejects with BreakerOpen. Work says by `isOutage` that the other side is failing; it does not throw. */
  async run<T extends { readonly isOutage: boolean }>(work: () => Promise<T>): Promise<T> {
    const waitMs = this.msUntilNext();
    if (waitMs > 0) throw new BreakerOpen(waitMs);
    try {
      return await this.#policy.execute(work);
    } catch (error) {
      if (error instanceof BrokenCircuitError) throw new BreakerOpen(TRIAL_MS);
      throw error;
    }
  }
}

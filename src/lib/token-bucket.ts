import type { Clock } from './clock.ts';

/** Lets `ratePerSecond` through on average and `burst` at once after a pause. Starts full. */
export class TokenBucket {
  readonly #clock: Clock;
  #ratePerSecond: number;
  #burst: number;
  #level: number;
  #levelMs: number;

  constructor(options: { clock: Clock; ratePerSecond: number; burst: number }) {
    this.#clock = options.clock;
    this.#ratePerSecond = options.ratePerSecond;
    this.#burst = Math.max(1, options.burst);
    this.#level = this.#burst;
    this.#levelMs = options.clock.monotonicMs();
  }

  tryTake(): boolean {
    this.#fill();
    // Time is in floating point: a full token less a rounding error is a token.
    if (this.#level < 1 - 1e-9) return false;
    this.#level = Math.max(0, this.#level - 1);
    return true;
  }

  /** How long until one can be taken; Infinity at a rate of nothing. */
  msUntilNext(): number {
    this.#fill();
    const missing = 1 - this.#level;
    if (missing <= 1e-9) return 0;
    return this.#ratePerSecond > 0 ? (missing / this.#ratePerSecond) * 1_000 : Number.POSITIVE_INFINITY;
  }

  setRate({ ratePerSecond, burst }: { ratePerSecond: number; burst: number }): void {
    this.#fill();
    this.#ratePerSecond = ratePerSecond;
    this.#burst = Math.max(1, burst);
    this.#level = Math.min(this.#level, this.#burst);
  }

  #fill(): void {
    const nowMs = this.#clock.monotonicMs();
    this.#level = Math.min(this.#burst, this.#level + ((nowMs - this.#levelMs) / 1_000) * this.#ratePerSecond);
    this.#levelMs = nowMs;
  }
}

import type { Clock } from './clock.ts';

/** Long work on many things lets timers and sockets have their turn once in a while; heartbeats do not wait. */
export class Breather {
  readonly #clock: Clock;
  readonly #afterMs: number;
  #lastMs: number;

  constructor(clock: Clock, { afterMs = 20 } = {}) {
    this.#clock = clock;
    this.#afterMs = afterMs;
    this.#lastMs = clock.monotonicMs();
  }

  /** Whether it is time for `breathe`; cheap enough to be asked for each thing. */
  isDue(): boolean {
    return this.#clock.monotonicMs() - this.#lastMs >= this.#afterMs;
  }

  async breathe(): Promise<void> {
    await new Promise<void>((resolve) => setImmediate(resolve));
    this.#lastMs = this.#clock.monotonicMs();
  }
}

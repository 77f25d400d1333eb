import type { Clock } from './clock.ts';

const YIELD_AFTER_MS = 20;

/** Long work yields to timers and sockets once in a while, so that heartbeats do not wait for its end. */
export class EventLoopYielder {
  readonly #clock: Clock;
  #lastMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#lastMs = clock.monotonicMs();
  }

  /** Whether it is time for `yield`; cheap enough to be asked for each of many items. */
  isDue(): boolean {
    return this.#clock.monotonicMs() - this.#lastMs >= YIELD_AFTER_MS;
  }

  async yield(): Promise<void> {
    await new Promise<void>((resolve) => setImmediate(resolve));
    this.#lastMs = this.#clock.monotonicMs();
  }
}

import { type Clock, sleep } from '../../../lib/clock.ts';

/** A caller that is refused waits before it calls again. */
const AFTER_FAILURE_MS = 250;

/** Keeps so many calls under way at any time. */
export class Callers {
  readonly #call: () => Promise<number>;
  readonly #clock: Clock;
  readonly #signal: AbortSignal;
  #wanted = 0;
  #running = 0;
  #answered = 0;
  #failed = 0;

  /** `call` resolves with the HTTP status of its answer. */
  constructor(options: { call: () => Promise<number>; clock: Clock; signal: AbortSignal }) {
    this.#call = options.call;
    this.#clock = options.clock;
    this.#signal = options.signal;
  }

  get answered(): number {
    return this.#answered;
  }

  get failed(): number {
    return this.#failed;
  }

  get count(): number {
    return this.#wanted;
  }

  set(count: number): void {
    this.#wanted = count;
    while (this.#running < this.#wanted) {
      this.#running += 1;
      void this.#keepCalling();
    }
  }

  async #keepCalling(): Promise<void> {
    try {
      while (this.#running <= this.#wanted && !this.#signal.aborted) {
        const status = await this.#call().catch(() => 0);
        if (status === 200) this.#answered += 1;
        else if (!this.#signal.aborted) {
          this.#failed += 1;
          await sleep(this.#clock, AFTER_FAILURE_MS, this.#signal).catch(() => {});
        }
      }
    } finally {
      this.#running -= 1;
    }
  }
}

import { type Clock, sleep } from '../../../lib/clock.ts';

/** A caller that is refused waits before it calls again. */
const AFTER_FAILURE_MS = 250;

interface CallersOptions {
  /** Resolves with the HTTP status of its answer. */
  readonly call: () => Promise<number>;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** Keeps so many calls under way at any time. */
export class Callers {
  readonly #options: CallersOptions;
  #wanted = 0;
  #running = 0;
  #answered = 0;
  #failed = 0;

  constructor(options: CallersOptions) {
    this.#options = options;
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
    const { call, clock, signal } = this.#options;
    try {
      while (this.#running <= this.#wanted && !signal.aborted) {
        const status = await call().catch(() => 0);
        if (status === 200) this.#answered += 1;
        else if (!signal.aborted) {
          this.#failed += 1;
          await sleep(clock, AFTER_FAILURE_MS, signal).catch(() => {});
        }
      }
    } finally {
      this.#running -= 1;
    }
  }
}

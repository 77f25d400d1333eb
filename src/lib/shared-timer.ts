import type { Clock } from './clock.ts';

/**
 * One timer for many deadlines. It rings at the earliest time that was set, and its owner then checks which deadlines are
 * due. A deadline that was dropped is left in place: ringing for nothing now and then costs less than a timer for each.
 */
export class SharedTimer {
  readonly #options;
  #atMs = Number.POSITIVE_INFINITY;
  #cancel: (() => void) | undefined;

  constructor(options: { clock: Clock; onRing: () => void }) {
    this.#options = options;
  }

  /** On the monotonic clock. */
  setBy(atMs: number): void {
    if (atMs >= this.#atMs) return;
    const { clock, onRing } = this.#options;
    this.clear();
    this.#atMs = atMs;
    this.#cancel = clock.after(Math.max(0, atMs - clock.monotonicMs()), () => {
      this.clear();
      onRing();
    });
  }

  clear(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#atMs = Number.POSITIVE_INFINITY;
  }
}

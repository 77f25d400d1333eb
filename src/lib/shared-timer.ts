import type { Clock } from './clock.ts';

/**
 * One timer for many deadlines. It rings at the earliest of the times that it was told, and whoever has the deadlines looks
 * then which of them are due. A deadline that is no more is left standing: to ring for nothing now and then costs less than a
 * timer for each.
 */
export class SharedTimer {
  readonly #clock: Clock;
  readonly #onRing: () => void;
  #atMs = Number.POSITIVE_INFINITY;
  #cancel: (() => void) | undefined;

  constructor({ clock, onRing }: { clock: Clock; onRing: () => void }) {
    this.#clock = clock;
    this.#onRing = onRing;
  }

  /** On the monotonic clock. */
  setBy(atMs: number): void {
    if (atMs >= this.#atMs) return;
    this.#cancel?.();
    this.#atMs = atMs;
    this.#cancel = this.#clock.after(Math.max(0, atMs - this.#clock.monotonicMs()), () => {
      this.#forget();
      this.#onRing();
    });
  }

  clear(): void {
    this.#cancel?.();
    this.#forget();
  }

  #forget(): void {
    this.#cancel = undefined;
    this.#atMs = Number.POSITIVE_INFINITY;
  }
}

const FREE_FAILURES = 2;
const PAUSE_FIRST_MS = 200;
const PAUSE_MAX_MS = 5_000;

/** Code that cannot start is not started over and over: after a few failures in a row there are growing pauses. */
export class StartBackoff {
  #failures = 0;
  #pausedUntilMs = Number.NEGATIVE_INFINITY;
  #latest: unknown;

  /** What the last start failed with. */
  get latest(): unknown {
    return this.#latest;
  }

  get pausedUntilMs(): number {
    return this.#pausedUntilMs;
  }

  isPaused(nowMs: number): boolean {
    return nowMs < this.#pausedUntilMs;
  }

  failed(error: unknown, nowMs: number): void {
    this.#failures += 1;
    this.#latest = error;
    const beyond = this.#failures - FREE_FAILURES;
    if (beyond <= 0) return;
    // Starts run side by side: those that were on their way when the pause began do not make it longer.
    if (this.isPaused(nowMs)) this.#failures -= 1;
    else this.#pausedUntilMs = nowMs + Math.min(PAUSE_MAX_MS, PAUSE_FIRST_MS * 2 ** Math.min(beyond - 1, 10));
  }

  succeeded(): void {
    this.#failures = 0;
    this.#pausedUntilMs = Number.NEGATIVE_INFINITY;
    this.#latest = undefined;
  }
}

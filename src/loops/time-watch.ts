import type { Clock } from '../lib/clock.ts';

const TICK_MS = 250;
const LATE_TICK_MS = 1_000;
const DRIFT_MS = 2_000;

/**
 * Notices that this process, or its whole machine, stood still: a tick that comes late, or a wall clock that moved
 * without the monotonic one (which does not count the time that a suspended machine slept). Either way every right that
 * was held may have passed to another member meanwhile.
 */
export class TimeWatch {
  readonly #options;
  #cancel: (() => void) | undefined;
  #lastMonotonicMs = 0;
  #lastWallMs = 0;

  constructor(options: { clock: Clock; onBreak: (brokenForMs: number) => void }) {
    this.#options = options;
  }

  start(): void {
    const { clock } = this.#options;
    this.#lastMonotonicMs = clock.monotonicMs();
    this.#lastWallMs = clock.wallMs();
    this.#cancel = clock.after(TICK_MS, () => this.#tick());
  }

  stop(): void {
    this.#cancel?.();
  }

  #tick(): void {
    const { clock, onBreak } = this.#options;
    const monotonicMs = clock.monotonicMs();
    const wallMs = clock.wallMs();
    const lateMs = monotonicMs - this.#lastMonotonicMs - TICK_MS;
    const driftMs = Math.abs(wallMs - this.#lastWallMs - (monotonicMs - this.#lastMonotonicMs));
    if (lateMs > LATE_TICK_MS || driftMs > DRIFT_MS) onBreak(Math.max(lateMs, driftMs));
    this.start();
  }
}

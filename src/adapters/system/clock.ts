import { performance } from 'node:perf_hooks';
import type { Clock } from '../../lib/clock.ts';

/** The real clock. CLOCK_MONOTONIC runs on through SIGSTOP, so a paused process sees its deadlines gone when it wakes. */
export const systemClock: Clock = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
};

import type { Part } from '../../domain/part.ts';
import type { Clock } from '../../lib/clock.ts';
import type { SignalReader } from '../../ports/signal-reader.ts';
import type { Observer } from './observe.ts';
import type { Tracked } from './tracked.ts';

export interface PastOptions {
  readonly reader: SignalReader;
  readonly observer: Observer;
  readonly clock: Clock;
  readonly lookBackMs: number;
  readonly stepMs: number;
  /** How far back it is looked for calls: the longest idle time in use. */
  readonly idleMs: number;
}

/** Of the versions in a part: fewer newborn ones than this are not worth reading everybody's past. */
const WORTH_SHARE = 0.1;
/** The pause after a back-fill that failed; it is the dearest read of all. */
const RETRY_MS = 60_000;

/** Learns what was before this replica began to watch: asked for once, and lived through where nobody can tell it. */
export class Past {
  readonly #options: PastOptions;
  /** By the name of the part, on the monotonic clock. */
  readonly #notBeforeMs = new Map<string, number>();

  constructor(options: PastOptions) {
    this.#options = options;
  }

  async learn(part: Part, shown: readonly Tracked[], signal: AbortSignal): Promise<void> {
    const { reader, observer, clock, lookBackMs, stepMs, idleMs } = this.#options;
    const strangers = shown.filter((tracked) => !this.#isKnown(tracked));
    if (strangers.length === 0) return;
    if (strangers.length < shown.length * WORTH_SHARE && strangers.every((tracked) => tracked.isNewborn)) {
      for (const tracked of strangers) tracked.isPastKnown = true;
      return;
    }
    if (clock.monotonicMs() < (this.#notBeforeMs.get(part.name) ?? 0)) return;
    const backfills = await reader.backfill(part, { lookBackMs, stepMs, idleMs, signal });
    // What failed is tried again later; what came is used.
    const isComplete = backfills.every((backfill) => backfill.state === 'read');
    if (isComplete) this.#notBeforeMs.delete(part.name);
    else this.#notBeforeMs.set(part.name, clock.monotonicMs() + RETRY_MS);
    for (const tracked of strangers) {
      observer.prefill(tracked, backfills, { nowMs: clock.wallMs(), idleMs });
      tracked.isPastKnown = isComplete;
    }
  }

  #isKnown(tracked: Tracked): boolean {
    const { clock, lookBackMs } = this.#options;
    tracked.isPastKnown ||= clock.monotonicMs() - tracked.sinceMs >= lookBackMs;
    return tracked.isPastKnown;
  }
}

import type { Clock } from '../../../lib/clock.ts';
import { SharedTimer } from '../../../lib/shared-timer.ts';
import type { Call, CallEnd } from '../instance-backend.ts';

export interface PendingCall {
  readonly number: number;
  readonly call: Call;
  readonly sentMs: number;
  /** When it is to be looked at: whether it was begun, and then whether its time is over. */
  dueMs: number;
  readonly resolve: (end: CallEnd) => void;
  /** Ends the watch over its caller. */
  readonly forget: (() => void) | undefined;
  chunks: Uint8Array[] | undefined;
  chunkBytes: number;
}

/** The calls that run on one instance. */
export class PendingCalls {
  readonly #clock: Clock;
  readonly #onDue: (pending: PendingCall, nowMs: number) => void;
  readonly #timer: SharedTimer;
  /**
   * No map: one that is emptied and filled again with each call makes itself a new table each time, and each old table holds
   * the next and all that was in it until the next full garbage collection. Five megabytes outlived every small one.
   */
  readonly #calls: PendingCall[] = [];

  constructor({ clock, onDue }: { clock: Clock; onDue: (pending: PendingCall, nowMs: number) => void }) {
    this.#clock = clock;
    this.#onDue = onDue;
    this.#timer = new SharedTimer({ clock, onRing: () => this.#onRing() });
  }

  get size(): number {
    return this.#calls.length;
  }

  /** As they are now: ending one of them while going through is no harm. */
  [Symbol.iterator](): Iterator<PendingCall> {
    return [...this.#calls].values();
  }

  add(pending: PendingCall): void {
    this.#calls.push(pending);
    this.#timer.setBy(pending.dueMs);
  }

  find(number: number): PendingCall | undefined {
    const [only] = this.#calls;
    return only?.number === number ? only : this.#calls.find((pending) => pending.number === number);
  }

  take(number: number): PendingCall | undefined {
    const pending = this.find(number);
    if (pending) this.#calls.splice(this.#calls.indexOf(pending), 1);
    return pending;
  }

  /** Nothing is looked at any more. */
  stop(): void {
    this.#timer.clear();
  }

  /** Decides only after what has come in meanwhile was read: we may have been the ones that were late. */
  #onRing(): void {
    setImmediate(() => {
      const nowMs = this.#clock.monotonicMs();
      for (const pending of this) if (pending.dueMs <= nowMs) this.#onDue(pending, nowMs);
      for (const { dueMs } of this.#calls) this.#timer.setBy(dueMs);
    });
  }
}

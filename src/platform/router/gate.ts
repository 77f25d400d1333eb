import type { Clock } from '../../lib/clock.ts';
import { Deferred, type Place, WaitList } from '../pool/wait-list.ts';

/** Lets a limited number of calls in at a time. When it is full, calls wait in order, each until a deadline. */
export class Gate {
  readonly #limit: number;
  readonly #waiting: WaitList<Deferred<void>>;
  #inside = 0;

  constructor({ limit, clock, onExpired }: { limit: number; clock: Clock; onExpired: () => unknown }) {
    this.#limit = limit;
    this.#waiting = new WaitList({ clock, onExpired: (entry) => entry.reject(onExpired()) });
  }

  get inside(): number {
    return this.#inside;
  }

  /** In at once, or not. */
  tryEnter(): boolean {
    if (this.#inside >= this.#limit) return false;
    this.#inside += 1;
    return true;
  }

  /** Resolves inside. */
  enter(place: Place, signal: AbortSignal | undefined): Promise<void> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    const entry = new Deferred<void>();
    entry.rejectOnAbort(signal, this.#waiting.join(entry, place));
    return entry.promise;
  }

  leave(): void {
    const next = this.#waiting.shift();
    // The place is handed on rather than freed and taken again, so that no other call slips in between.
    if (next) next.resolve();
    else this.#inside -= 1;
  }
}

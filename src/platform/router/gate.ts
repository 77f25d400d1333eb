import type { Clock } from '../../lib/clock.ts';
import { Turn } from '../pool/turn.ts';
import { type Place, WaitList } from '../pool/wait-list.ts';

/** Lets so many in at a time. When it is full, who wants in waits in order until a deadline. */
export class Gate {
  readonly #limit: number;
  readonly #waiting: WaitList<Turn<void>>;
  #inside = 0;

  constructor({ limit, clock, onExpired }: { limit: number; clock: Clock; onExpired: () => unknown }) {
    this.#limit = limit;
    this.#waiting = new WaitList({ clock, onExpired: (turn) => turn.refuse(onExpired()) });
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
    const turn = new Turn<void>();
    turn.watch(signal, this.#waiting.join(turn, place));
    return turn.promise;
  }

  leave(): void {
    const next = this.#waiting.shift();
    // Handed on rather than freed and taken again, so that nobody slips in between.
    if (next) next.serve();
    else this.#inside -= 1;
  }
}

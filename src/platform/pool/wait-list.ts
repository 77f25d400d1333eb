import type { Clock } from '../../lib/clock.ts';
import { SharedTimer } from '../../lib/shared-timer.ts';

/** Deadlines are looked at no more often than this: a caller is told at most so much too late. */
const COARSENESS_MS = 10;

export interface Place {
  /** Who came first is served first; one who has to wait again keeps the place that it had. */
  readonly order: number;
  readonly deadlineMs: number;
}

interface Node<Waiter> {
  readonly waiter: Waiter;
  readonly place: Place;
  before: Node<Waiter> | undefined;
  after: Node<Waiter> | undefined;
  isIn: boolean;
}

export interface WaitListOptions<Waiter> {
  readonly clock: Clock;
  /** The waiter has left the list already. */
  readonly onExpired: (waiter: Waiter) => void;
}

/** Callers in the order in which they came, each with its deadline; one timer for all of them, and none while nobody waits. */
export class WaitList<Waiter> {
  readonly #clock: Clock;
  readonly #onExpired: (waiter: Waiter) => void;
  readonly #alarm: SharedTimer;
  #first: Node<Waiter> | undefined;
  #last: Node<Waiter> | undefined;
  #size = 0;

  constructor({ clock, onExpired }: WaitListOptions<Waiter>) {
    this.#clock = clock;
    this.#onExpired = onExpired;
    this.#alarm = new SharedTimer({ clock, onRing: () => this.#ring() });
  }

  get size(): number {
    return this.#size;
  }

  get first(): Waiter | undefined {
    return this.#first?.waiter;
  }

  /** Returns how to leave, which says whether the waiter was still in. */
  join(waiter: Waiter, place: Place): () => boolean {
    let before = this.#last;
    while (before && before.place.order > place.order) before = before.before;
    const after = before ? before.after : this.#first;
    const node: Node<Waiter> = { waiter, place, before, after, isIn: true };
    if (before) before.after = node;
    else this.#first = node;
    if (after) after.before = node;
    else this.#last = node;
    this.#size += 1;
    this.#alarm.setBy(place.deadlineMs);
    return () => this.#take(node);
  }

  /** Takes the one who came first. */
  shift(): Waiter | undefined {
    const node = this.#first;
    if (!node) return undefined;
    this.#take(node);
    return node.waiter;
  }

  /** Empties the list; the waiters are told by whoever empties it. */
  drain(): Waiter[] {
    const all: Waiter[] = [];
    for (let waiter = this.shift(); waiter !== undefined; waiter = this.shift()) all.push(waiter);
    return all;
  }

  #take(node: Node<Waiter>): boolean {
    if (!node.isIn) return false;
    node.isIn = false;
    if (node.before) node.before.after = node.after;
    else this.#first = node.after;
    if (node.after) node.after.before = node.before;
    else this.#last = node.before;
    // Old nodes that are gone would hold all that came after them, up to the next great collection.
    node.before = undefined;
    node.after = undefined;
    this.#size -= 1;
    if (this.#size === 0) this.#alarm.clear();
    return true;
  }

  #ring(): void {
    const nowMs = this.#clock.monotonicMs();
    const expired: Waiter[] = [];
    let nextMs = Number.POSITIVE_INFINITY;
    for (let node = this.#first; node; ) {
      const { after } = node;
      if (node.place.deadlineMs > nowMs) nextMs = Math.min(nextMs, node.place.deadlineMs);
      else if (this.#take(node)) expired.push(node.waiter);
      node = after;
    }
    if (nextMs < Number.POSITIVE_INFINITY) this.#alarm.setBy(Math.max(nextMs, nowMs + COARSENESS_MS));
    for (const waiter of expired) this.#onExpired(waiter);
  }
}

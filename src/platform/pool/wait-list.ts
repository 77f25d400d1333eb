import type { Clock } from '../../lib/clock.ts';
import { SharedTimer } from '../../lib/shared-timer.ts';

/** Deadlines are looked at no more often than this: a caller learns of its deadline at most so much too late. */
const COARSENESS_MS = 10;

/** A promise that is settled from outside, once: with what was waited for, or with the reason why it does not come. */
export class Deferred<Given> {
  readonly promise: Promise<Given>;
  readonly #resolve: (given: Given) => void;
  readonly #reject: (reason: unknown) => void;
  #unwatch: () => void = () => {};

  constructor() {
    const { promise, resolve, reject } = Promise.withResolvers<Given>();
    this.promise = promise;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  /** Rejects with the signal's reason when it aborts, if `leave` says that the waiting was not over yet. */
  rejectOnAbort(signal: AbortSignal | undefined, leave: () => boolean): void {
    if (!signal) return;
    const onAbort = () => {
      if (leave()) this.reject(signal.reason);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    this.#unwatch = () => signal.removeEventListener('abort', onAbort);
  }

  resolve(given: Given): void {
    this.#unwatch();
    this.#resolve(given);
  }

  reject(reason: unknown): void {
    this.#unwatch();
    this.#reject(reason);
  }
}

export interface Place {
  /** The lowest is served first. A call that has to wait again keeps the place that it had. */
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

/** Waiting calls in their order, each with a deadline. One timer serves them all; there is none while the list is empty. */
export class WaitList<Waiter> {
  readonly #clock: Clock;
  /** The waiter has left the list already. */
  readonly #onExpired: (waiter: Waiter) => void;
  readonly #timer: SharedTimer;
  #first: Node<Waiter> | undefined;
  #last: Node<Waiter> | undefined;
  #size = 0;

  constructor({ clock, onExpired }: { clock: Clock; onExpired: (waiter: Waiter) => void }) {
    this.#clock = clock;
    this.#onExpired = onExpired;
    this.#timer = new SharedTimer({ clock, onRing: () => this.#ring() });
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
    this.#timer.setBy(place.deadlineMs);
    return () => this.#take(node);
  }

  /** Takes the one who came first. */
  shift(): Waiter | undefined {
    const node = this.#first;
    if (!node) return undefined;
    this.#take(node);
    return node.waiter;
  }

  /** Empties the list. The caller settles what it is given. */
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
    if (this.#size === 0) this.#timer.clear();
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
    if (nextMs < Number.POSITIVE_INFINITY) this.#timer.setBy(Math.max(nextMs, nowMs + COARSENESS_MS));
    for (const waiter of expired) this.#onExpired(waiter);
  }
}

import type { Clock } from '../../lib/clock.ts';
import type { DemandMeter } from './demand-meter.ts';
import type { PoolCounters } from './pool-counters.ts';
import { WaitList } from './wait-list.ts';
import { type Ask, Waiter } from './waiter.ts';

export interface CallQueueOptions {
  readonly clock: Clock;
  readonly counters: PoolCounters;
  readonly demand: DemandMeter;
  /** What to tell a call that has waited for as long as it may. */
  readonly onExpired: (waitedMs: number) => unknown;
}

/** The calls of one pool that wait for an instance, and what is counted of their waiting. */
export class CallQueue {
  readonly #clock: Clock;
  readonly #counters: PoolCounters;
  readonly #demand: DemandMeter;
  readonly #list: WaitList<Waiter>;
  #children = 0;

  constructor({ clock, counters, demand, onExpired }: CallQueueOptions) {
    this.#clock = clock;
    this.#counters = counters;
    this.#demand = demand;
    this.#list = new WaitList({
      clock,
      onExpired: (waiter) => {
        const nowMs = clock.monotonicMs();
        this.#left(waiter, nowMs);
        waiter.refuse(onExpired(Math.round(nowMs - waiter.ask.nowMs)));
      },
    });
  }

  get size(): number {
    return this.#list.size;
  }

  get first(): Waiter | undefined {
    return this.#list.first;
  }

  /** Calls whose callers are functions, and hold instances. */
  get children(): number {
    return this.#children;
  }

  /** `turnAway` refuses this one, if it still waits. */
  join(ask: Ask): { readonly waiter: Waiter; readonly turnAway: (reason: unknown) => void } {
    const waiter = new Waiter(ask);
    const leave = this.#list.join(waiter, ask);
    this.#counters.waits += 1;
    this.#demand.change(1, ask.nowMs);
    if (ask.isChild) this.#children += 1;
    const leaveAt = (nowMs: number) => {
      const wasWaiting = leave();
      if (wasWaiting) this.#left(waiter, nowMs);
      return wasWaiting;
    };
    waiter.watch(ask.signal, () => leaveAt(this.#clock.monotonicMs()));
    return {
      waiter,
      turnAway: (reason) => {
        if (leaveAt(ask.nowMs)) waiter.refuse(reason);
      },
    };
  }

  /** The one who came first, for whom there is something now. */
  shift(nowMs: number): Waiter | undefined {
    const waiter = this.#list.shift();
    if (waiter) this.#left(waiter, nowMs);
    return waiter;
  }

  refuseAll(reason: unknown, nowMs: number): void {
    for (const waiter of this.#list.drain()) {
      this.#left(waiter, nowMs);
      waiter.refuse(reason);
    }
  }

  #left({ ask }: Waiter, nowMs: number): void {
    if (ask.isChild) this.#children -= 1;
    this.#demand.change(-1, nowMs);
    this.#counters.waitedMs += nowMs - ask.nowMs;
  }
}

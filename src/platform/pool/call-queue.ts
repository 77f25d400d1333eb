import type { Clock } from '../../lib/clock.ts';
import type { PoolCounters } from './pool-counters.ts';
import type { Lease } from './pooled-instance.ts';
import { Deferred, type Place, WaitList } from './wait-list.ts';

/** What a call brings along when no instance is free for it. */
export interface WaitRequest extends Place {
  readonly nowMs: number;
  /** A function made this call, and holds an instance while it waits. */
  readonly isChild: boolean;
  /** It was handed an instance before, which turned out to be dead. */
  readonly isRetry: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** A call that waits for an instance. */
export class WaitingCall extends Deferred<Lease> {
  readonly request: WaitRequest;

  constructor(request: WaitRequest) {
    super();
    this.request = request;
  }
}

/** The calls of one pool that wait for an instance, and what is counted of their waiting. */
export class CallQueue {
  readonly #clock: Clock;
  readonly #counters: PoolCounters;
  readonly #list: WaitList<WaitingCall>;
  #children = 0;

  /** `onExpired` makes the error for a call that has waited for as long as it may. */
  constructor(clock: Clock, counters: PoolCounters, onExpired: (waitedMs: number) => unknown) {
    this.#clock = clock;
    this.#counters = counters;
    this.#list = new WaitList({
      clock,
      onExpired: (call) => {
        const nowMs = clock.monotonicMs();
        this.#countLeft(call, nowMs);
        call.reject(onExpired(Math.round(nowMs - call.request.nowMs)));
      },
    });
  }

  get size(): number {
    return this.#list.size;
  }

  get first(): WaitingCall | undefined {
    return this.#list.first;
  }

  /** Calls whose callers are functions, and hold instances. */
  get children(): number {
    return this.#children;
  }

  /** `turnAway` rejects the call, if it still waits. */
  join(request: WaitRequest): { readonly call: WaitingCall; readonly turnAway: (reason: unknown) => void } {
    const call = new WaitingCall(request);
    const leave = this.#list.join(call, request);
    this.#counters.waits += 1;
    this.#counters.changeDemand(1, request.nowMs);
    if (request.isChild) this.#children += 1;
    const leaveAt = (nowMs: number) => {
      const wasWaiting = leave();
      if (wasWaiting) this.#countLeft(call, nowMs);
      return wasWaiting;
    };
    call.rejectOnAbort(request.signal, () => leaveAt(this.#clock.monotonicMs()));
    return {
      call,
      turnAway: (reason) => {
        if (leaveAt(request.nowMs)) call.reject(reason);
      },
    };
  }

  /** The call that is next. */
  shift(nowMs: number): WaitingCall | undefined {
    const call = this.#list.shift();
    if (call) this.#countLeft(call, nowMs);
    return call;
  }

  rejectAll(reason: unknown, nowMs: number): void {
    for (const call of this.#list.drain()) {
      this.#countLeft(call, nowMs);
      call.reject(reason);
    }
  }

  #countLeft({ request }: WaitingCall, nowMs: number): void {
    if (request.isChild) this.#children -= 1;
    this.#counters.changeDemand(-1, nowMs);
    this.#counters.waitedMs += nowMs - request.nowMs;
  }
}

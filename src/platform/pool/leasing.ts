import { PlatformError } from '../model/platform-error.ts';
import type { StopReason } from '../model/pool-snapshot.ts';
import type { WaitRequest } from './call-queue.ts';
import type { Growth } from './growth.ts';
import type { InstanceLifecycle } from './instance-lifecycle.ts';
import type { PoolState } from './pool-state.ts';
import { Lease, type PooledInstance } from './pooled-instance.ts';

/**
 * How one call gets an instance of a pool: it takes a free one or waits for one, and gives it back. Every decision is
 * synchronous, which is the lock; only starting and stopping take time.
 */
export class Leasing {
  readonly #state: PoolState;
  readonly #lifecycle: InstanceLifecycle;
  readonly #growth: Growth;

  constructor(state: PoolState, lifecycle: InstanceLifecycle, growth: Growth) {
    this.#state = state;
    this.#lifecycle = lifecycle;
    this.#growth = growth;
  }

  /** What nearly every call does: no promise, no timer. */
  take(nowMs: number): Lease | undefined {
    const { instances, version } = this.#state;
    if (version.pool.reuse === 'never') return undefined;
    for (let instance = instances.next(); instance; instance = instances.next()) {
      if (instance.version.deployId === version.deployId) {
        this.#state.counters.changeDemand(1, nowMs);
        return this.#lease(instance, { isCold: false, nowMs });
      }
      this.#lifecycle.leave(instance, 'stale-deploy', nowMs);
    }
    return undefined;
  }

  /** Waits in turn for an instance, which is started for the call where that is allowed. */
  wait(request: WaitRequest): Promise<Lease> {
    const { instances, queue, version, context, closed, operatorCap } = this.#state;
    if (request.signal?.aborted) return Promise.reject(request.signal.reason);
    if (closed) return Promise.reject(closed);
    if (operatorCap === 0) {
      return Promise.reject(
        new PlatformError('concurrency-zero', 'at most 0 instances of this version may run: raise instancesMax'),
      );
    }
    const { call, turnAway } = queue.join(request);
    const refusal = this.#growth.grow(request.nowMs);
    const { queueDepth, reuse } = version.pool;
    const uncovered = queue.size - instances.expectedRoom({ isShared: reuse === 'warm' });
    if (refusal === 'memory' && uncovered > 0 && context.limits.whenMemoryIsShort === 'refuse') {
      turnAway(this.#growth.memoryExhausted());
    } else if (uncovered > queueDepth) {
      turnAway(new PlatformError('queue-full', `${queueDepth} calls wait for an instance already: try again later`));
    }
    this.#state.onChanged();
    return call.promise;
  }

  /** `hasRun`: the handler may have run. `reason`: the instance ends. */
  release(
    lease: Lease,
    { nowMs, hasRun, reason }: { nowMs: number; hasRun: boolean; reason?: StopReason | undefined },
  ): void {
    const { instance } = lease;
    const { instances, counters, context, queue } = this.#state;
    if (!lease.close()) {
      context.listener({ type: 'breach', detail: `a lease on ${instance.instanceId} came back twice` });
      return;
    }
    counters.changeDemand(-1, nowMs);
    instances.leave(instance, nowMs);
    if (hasRun) {
      instance.uses += 1;
      if (lease.isCold) counters.coldCalls += 1;
      else counters.warmCalls += 1;
    }
    if (instance.state === 'terminating') this.#lifecycle.forgetIfGone(instance, nowMs);
    else {
      const why = instance.leaving ?? reason ?? this.#reasonToLeave(instance, nowMs);
      if (why) this.#lifecycle.leave(instance, why, nowMs);
      else this.#handOut(instance, { isFresh: false, nowMs });
    }
    if (queue.size > 0) this.#growth.grow(nowMs);
  }

  /** It has started and can serve. */
  onReady(instance: PooledInstance, nowMs: number): void {
    this.#growth.backoff.succeeded();
    this.#handOut(instance, { isFresh: true, nowMs });
  }

  /** It never will, though it was not asked to end. */
  onStartFailed(instance: PooledInstance, error: unknown, nowMs: number): void {
    const { instances, queue } = this.#state;
    this.#growth.backoff.failed(error, nowMs);
    // One start, one call that fails with it. Where others serve, it may still be served by them.
    if (!instance.isStartedByCall || instances.serving > 0) return;
    queue.shift(nowMs)?.reject(error);
  }

  #lease(instance: PooledInstance, { isCold, nowMs }: { isCold: boolean; nowMs: number }): Lease {
    this.#state.instances.enter(instance, { nowMs, isShared: this.#state.isShared(instance) });
    return new Lease({ instance, running: instance.running!, isCold });
  }

  /** Gives an instance's room to those who wait, first come, first served; what is left is free. */
  #handOut(instance: PooledInstance, { isFresh, nowMs }: { isFresh: boolean; nowMs: number }): void {
    const { instances, counters, queue } = this.#state;
    const isShared = this.#state.isShared(instance);
    let isCold = isFresh && instance.isStartedByCall;
    while (queue.size > 0 && instance.hasRoom) {
      if (!isShared && (instance.inFlight > 0 || !instance.isStartedByCall)) break;
      const call = queue.shift(nowMs)!;
      counters.changeDemand(1, nowMs);
      call.resolve(this.#lease(instance, { isCold, nowMs }));
      isCold = false;
    }
    if (instance.inFlight > 0) {
      if (isShared && instance.hasRoom) instances.free(instance, nowMs);
    } else if (!isShared && instance.isStartedByCall) this.#lifecycle.leave(instance, 'not-reused', nowMs);
    else instances.free(instance, nowMs);
  }

  #reasonToLeave(instance: PooledInstance, nowMs: number): StopReason | undefined {
    const { instances, version } = this.#state;
    const { deployId, pool } = version;
    if (instance.version.deployId !== deployId) return 'stale-deploy';
    if (pool.reuse !== 'warm' && instance.isStartedByCall) return 'not-reused';
    if (pool.usesMax !== undefined && instance.uses >= pool.usesMax) return 'uses';
    if (pool.ageMaxMs !== undefined && nowMs - instance.createdMs >= pool.ageMaxMs) return 'age';
    return instances.current > this.#state.operatorCap ? 'above-cap' : undefined;
  }
}

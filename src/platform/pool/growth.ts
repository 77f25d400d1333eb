import type { Clock } from '../../lib/clock.ts';
import type { VersionRecord } from '../model/function-record.ts';
import type { SpawnSource } from '../model/invocation.ts';
import type { CallQueue } from './call-queue.ts';
import type { InstanceLifecycle } from './instance-lifecycle.ts';
import type { InstanceSet } from './instance-set.ts';
import { PooledInstance } from './pooled-instance.ts';
import type { Refusal, Spawner } from './spawner.ts';

/** What growth needs of the pool that grows. */
interface GrowingPool {
  version(): VersionRecord;
  isClosed(): boolean;
  /** Memory was refused: takes some from idle instances elsewhere. False: none is to come. */
  makeRoom(lack: { bytes: number; forChild: boolean }): boolean;
}

export interface PoolGrowthOptions {
  readonly clock: Clock;
  readonly instances: InstanceSet;
  readonly life: InstanceLifecycle;
  readonly queue: CallQueue;
  readonly spawner: Spawner;
  readonly pool: GrowingPool;
}

/** Starts the instances that waiting calls lack, and tells the calls for which none will come. */
export class PoolGrowth {
  readonly #options: PoolGrowthOptions;
  #cancelResume: (() => void) | undefined;

  constructor(options: PoolGrowthOptions) {
    this.#options = options;
  }

  /** Starts as many as there are calls for which no start is on its way. */
  grow(nowMs: number): Refusal | undefined {
    const { instances, queue, pool } = this.#options;
    const version = pool.version();
    const isShared = version.pool.reuse === 'warm';
    let lacking = queue.size - instances.expectedRoom({ isShared });
    while (lacking > 0) {
      const refusal = this.add(queue.first?.ask.isRetry ? 'retry' : 'lazy', nowMs);
      if (refusal) {
        this.#cannotGrow(refusal, nowMs);
        return refusal;
      }
      lacking -= isShared ? version.launch.concurrency : 1;
    }
    return undefined;
  }

  /** Starts one, or says why not. */
  add(source: SpawnSource, nowMs: number): Refusal | undefined {
    const { life, queue, spawner, pool } = this.#options;
    if (pool.isClosed()) return 'closed';
    const spawned = spawner.spawn({ source, nowMs, forChild: queue.children > 0 });
    if (!(spawned instanceof PooledInstance)) return spawned;
    void life.begin(spawned);
    return undefined;
  }

  /** Nothing is tried again by itself. */
  stop(): void {
    this.#cancelResume?.();
    this.#cancelResume = undefined;
  }

  #cannotGrow(refusal: Refusal, nowMs: number): void {
    const { instances, queue, spawner, pool } = this.#options;
    const parked = pool.version().pool.reuse === 'never' ? instances.idle.length : 0;
    const isAnyComing = instances.current > parked;
    if (refusal === 'paused') {
      if (isAnyComing) this.#resumeAfterPause(nowMs);
      else queue.refuseAll(spawner.backoff.latest, nowMs);
    } else if (refusal === 'memory') {
      const isRoomComing = pool.makeRoom({ bytes: spawner.budgetBytes(), forChild: queue.children > 0 });
      if (!isRoomComing && !isAnyComing) queue.refuseAll(spawner.memoryExhausted(), nowMs);
    }
  }

  #resumeAfterPause(nowMs: number): void {
    const { clock, queue, spawner } = this.#options;
    this.#cancelResume ??= clock.after(spawner.backoff.pausedUntilMs - nowMs, () => {
      this.#cancelResume = undefined;
      if (queue.size > 0) this.grow(clock.monotonicMs());
    });
  }
}

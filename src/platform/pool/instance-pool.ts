import type { VersionRecord } from '../model/function-record.ts';
import type { SpawnSource } from '../model/invocation.ts';
import { PlatformError } from '../model/platform-error.ts';
import type { PoolSnapshot, StopReason } from '../model/pool-snapshot.ts';
import { CallQueue } from './call-queue.ts';
import { DemandMeter } from './demand-meter.ts';
import { PoolGrowth } from './growth.ts';
import { InstanceLifecycle } from './instance-lifecycle.ts';
import { InstanceSet } from './instance-set.ts';
import type { PoolContext } from './pool-context.ts';
import { PoolCounters } from './pool-counters.ts';
import { PoolKeeper } from './pool-keeper.ts';
import { Lease, PooledInstance } from './pooled-instance.ts';
import type { Wish } from './scaler.ts';
import { snapshotOf } from './snapshot-of.ts';
import { type Refusal, Spawner } from './spawner.ts';
import type { Ask } from './waiter.ts';

export interface PoolOwner {
  /** The pool may have something to do at a tick now that it had not before, or the other way round. */
  changed(pool: InstancePool): void;
  /** Memory was refused: takes some from idle instances elsewhere, and calls `grow` when any is given back. False: none is to come. */
  makeRoom(pool: InstancePool, lack: { bytes: number; forChild: boolean }): boolean;
}

export interface Release {
  readonly nowMs: number;
  /** The handler may have run. */
  readonly hasRun: boolean;
  /** Given: the instance ends. */
  readonly reason: StopReason | undefined;
}

/**
 * The instances of one version, and the calls that wait for one. Everything is decided synchronously, which is the lock; only
 * starting and stopping take time.
 */
export class InstancePool {
  readonly counters = new PoolCounters();
  readonly #context: PoolContext;
  readonly #owner: PoolOwner;
  readonly #instances = new InstanceSet();
  readonly #demand = new DemandMeter();
  readonly #life: InstanceLifecycle;
  readonly #spawner: Spawner;
  readonly #growth: PoolGrowth;
  readonly #keeper: PoolKeeper;
  readonly #queue: CallQueue;
  #version: VersionRecord;
  #closed: PlatformError | undefined;
  #isDormant = false;
  #emptied: PromiseWithResolvers<void> | undefined;

  constructor(version: VersionRecord, context: PoolContext, owner: PoolOwner) {
    this.#version = version;
    this.#context = context;
    this.#owner = owner;
    const instances = this.#instances;
    this.#life = new InstanceLifecycle({
      context,
      instances,
      counters: this.counters,
      listener: {
        ready: (instance, nowMs) => this.#ready(instance, nowMs),
        failed: (instance, error, nowMs) => this.#startFailed(instance, error, nowMs),
        gone: (nowMs) => this.#gone(nowMs),
      },
    });
    this.#keeper = new PoolKeeper({
      context,
      instances,
      life: this.#life,
      counters: this.counters,
      demand: this.#demand,
      pool: {
        version: () => this.#version,
        waiting: () => this.#queue.size,
        operatorCap: () => this.#spawner.operatorCap(),
        add: (source, nowMs) => this.#growth.add(source, nowMs),
      },
    });
    this.#spawner = new Spawner({
      context,
      instances,
      life: this.#life,
      version: () => this.#version,
      wishAt: (nowMs) => this.#keeper.scaler.wishAt(nowMs),
    });
    this.#queue = new CallQueue({
      clock: context.clock,
      counters: this.counters,
      demand: this.#demand,
      onExpired: (waitedMs) => {
        this.#owner.changed(this);
        return this.#waitTimeout(waitedMs);
      },
    });
    this.#growth = new PoolGrowth({
      clock: context.clock,
      instances,
      life: this.#life,
      queue: this.#queue,
      spawner: this.#spawner,
      pool: {
        version: () => this.#version,
        isClosed: () => this.#closed !== undefined,
        makeRoom: (lack) => this.#owner.makeRoom(this, lack),
      },
    });
  }

  get version(): VersionRecord {
    return this.#version;
  }

  get running(): number {
    return this.#instances.running;
  }

  get reservedBytes(): number {
    return this.#instances.reservedBytes();
  }

  /** Memory that comes back when processes that were told to end have ended. */
  get leavingBytes(): number {
    return this.#instances.leavingBytes();
  }

  /** Processes that were started and not reaped. */
  get processes(): number {
    let count = 0;
    for (const { running, hasExited } of this.#instances) if (running && !hasExited) count += 1;
    return count;
  }

  /** Nothing here, nothing to come, nothing to keep: ticks pass it by. */
  get isQuiet(): boolean {
    if (this.#instances.size > 0 || this.#queue.size > 0) return false;
    return this.#closed !== undefined || this.#isDormant || this.#keeper.isQuiet;
  }

  /** Retired, and nobody has come since: what is here ends, and nothing new starts by itself. */
  get isDormant(): boolean {
    return this.#isDormant;
  }

  /** Starts what is to be there before anybody calls. */
  begin(): void {
    this.#keeper.conform(this.#nowMs(), { mayLower: false });
    this.#owner.changed(this);
  }

  /** The way of nearly every call: no promise, no timer. */
  takeFree(nowMs: number): Lease | undefined {
    if (this.#version.pool.reuse === 'never') return undefined;
    for (let instance = this.#instances.next(); instance; instance = this.#instances.next()) {
      if (instance.version.deployId === this.#version.deployId) {
        this.#demand.change(1, nowMs);
        return this.#lease(instance, { isCold: false, nowMs });
      }
      this.#life.leave(instance, 'stale-deploy', nowMs);
    }
    return undefined;
  }

  /** Waits its turn for an instance, which is started for it where that is allowed. */
  waitFor(ask: Ask): Promise<Lease> {
    if (ask.signal?.aborted) return Promise.reject(ask.signal.reason);
    if (this.#closed) return Promise.reject(this.#closed);
    if (this.#spawner.operatorCap() === 0) {
      return Promise.reject(
        new PlatformError('concurrency-zero', 'at most 0 instances of this version may run: raise instancesMax'),
      );
    }
    const { waiter, turnAway } = this.#queue.join(ask);
    const refusal = this.#growth.grow(ask.nowMs);
    const { queueDepth, reuse } = this.#version.pool;
    const uncovered = this.#queue.size - this.#instances.expectedRoom({ isShared: reuse === 'warm' });
    if (refusal === 'memory' && uncovered > 0 && this.#context.limits.whenMemoryIsShort === 'refuse') {
      turnAway(this.#spawner.memoryExhausted());
    } else if (uncovered > queueDepth) {
      turnAway(new PlatformError('queue-full', `${queueDepth} calls wait for an instance already: try again later`));
    }
    this.#owner.changed(this);
    return waiter.promise;
  }

  release(lease: Lease, { nowMs, hasRun, reason }: Release): void {
    const { instance } = lease;
    if (!lease.close()) {
      this.#context.listener({ type: 'breach', detail: `a lease on ${instance.instanceId} came back twice` });
      return;
    }
    this.#demand.change(-1, nowMs);
    this.#instances.leave(instance, nowMs);
    if (hasRun) {
      instance.uses += 1;
      if (lease.isCold) this.counters.coldCalls += 1;
      else this.counters.warmCalls += 1;
    }
    if (instance.state === 'terminating') this.#life.forgetIfGone(instance, nowMs);
    else {
      const why = instance.leaving ?? reason ?? this.#reasonToLeave(instance, nowMs);
      if (why) this.#life.leave(instance, why, nowMs);
      else this.#handOut(instance, { isFresh: false, nowMs });
    }
    if (this.#queue.size > 0) this.#growth.grow(nowMs);
  }

  /** The record as it is now, after a change or a rest: bounds hold at once, and instances of another deploy id leave. */
  adopt(version: VersionRecord): void {
    const { deployId } = this.#version;
    this.#isDormant = false;
    this.#version = version;
    const nowMs = this.#nowMs();
    if (version.deployId !== deployId) {
      this.#spawner.backoff.succeeded();
      for (const instance of this.#instances) this.#life.leave(instance, 'stale-deploy', nowMs);
    }
    for (let over = this.#instances.current - this.#spawner.operatorCap(); over > 0; over -= 1) {
      const [oldest] = this.#instances.idle;
      if (oldest) this.#life.leave(oldest, 'above-cap', nowMs);
    }
    this.#keeper.conform(nowMs, { mayLower: false });
    this.#growth.grow(nowMs);
    this.#owner.changed(this);
  }

  /** Retires exactly the instances that are there, and turns away who waits. Who comes later gets new ones. */
  retire(error: PlatformError): void {
    this.#isDormant = true;
    this.#keeper.scaler.setWish(undefined);
    this.#endAll(error, 'retired');
  }

  /** For good: the platform stops. */
  close(error: PlatformError): void {
    this.#closed = error;
    this.#endAll(error, 'stopping');
  }

  /** Busy ones too, at once. */
  kill(): void {
    const nowMs = this.#nowMs();
    for (const instance of this.#instances) this.#life.kill(instance, 'stopping', nowMs);
  }

  whenEmpty(): Promise<void> {
    if (this.#instances.size === 0) return Promise.resolve();
    this.#emptied ??= Promise.withResolvers();
    return this.#emptied.promise;
  }

  /** Adds instances and resolves with how many are warm when all of them have started, or failed to. */
  async prepare({ count, source }: { count: number; source: SpawnSource }): Promise<number> {
    if (this.#closed) throw this.#closed;
    const nowMs = this.#nowMs();
    this.#context.listener({ type: 'prewarming', versionId: this.#version.versionId, count });
    const started: Array<Promise<unknown>> = [];
    let refusal: Refusal | undefined;
    while (started.length < count && !refusal) {
      const spawned = this.#spawner.spawn({ source, nowMs, forChild: false });
      if (spawned instanceof PooledInstance) started.push(this.#life.begin(spawned));
      else refusal = spawned;
    }
    this.#owner.changed(this);
    const [error] = (await Promise.all(started)).filter((error) => error !== undefined);
    if (this.#instances.serving === 0) {
      if (error) throw error;
      if (refusal === 'memory') throw this.#spawner.memoryExhausted();
      if (refusal === 'paused') throw this.#spawner.backoff.latest;
    }
    return this.#instances.count('warm');
  }

  /** Ends what is free, and if told so what was warmed by hand and is busy, after its call. */
  cool({ alsoBusy }: { alsoBusy: boolean }): number {
    const nowMs = this.#nowMs();
    const leaving = [...this.#instances.idle];
    for (const instance of alsoBusy ? this.#instances : []) {
      if (instance.state === 'busy' && instance.isStartedByHand && !instance.leaving) leaving.push(instance);
    }
    for (const instance of leaving) this.#life.leave(instance, 'by-hand', nowMs);
    return leaving.length;
  }

  setWish(wish: Wish | undefined): void {
    this.#keeper.scaler.setWish(wish);
    this.#keeper.conform(this.#nowMs(), { mayLower: false });
    this.#owner.changed(this);
  }

  tick(nowMs: number): void {
    if (this.#closed || this.#isDormant) return;
    // First: starts that end as overdue below tell their caller so, and are not made up for before they have.
    if (this.#queue.size > 0) this.#growth.grow(nowMs);
    this.#keeper.tick(nowMs);
    this.#owner.changed(this);
  }

  /** Ends free instances whose time is over. */
  reap(nowMs: number): void {
    if (!this.#closed && !this.#isDormant) this.#keeper.reap(nowMs);
  }

  /** Since when its longest idle instance that nobody insists on is idle; undefined: there is none. */
  spareSinceMs(): number | undefined {
    return this.#keeper.spareSinceMs();
  }

  /** Ends its longest idle instance for another pool's sake. */
  giveRoom(): void {
    const [oldest] = this.#instances.idle;
    if (oldest) this.#life.leave(oldest, 'room', this.#nowMs());
  }

  /** Starts what waiting calls lack, when there may be room again. False: nobody waits any more. */
  grow(): boolean {
    if (this.#queue.size > 0) this.#growth.grow(this.#nowMs());
    return this.#queue.size > 0;
  }

  snapshot(): PoolSnapshot {
    const nowMs = this.#nowMs();
    return snapshotOf({
      versionId: this.#version.versionId,
      instances: this.#instances,
      counters: this.counters,
      waiting: this.#queue.size,
      wanted: this.#keeper.wanted(),
      wishUntilMs: this.#keeper.scaler.wishAt(nowMs)?.untilWallMs,
      cap: this.#spawner.cap(),
      nowMs,
    });
  }

  /** What cannot be, in words; nothing when all is well. Cheap, and run in production too. */
  breaches(): string[] {
    const found = this.#instances.breaches();
    const { coldCalls, warmCalls, ran } = this.counters;
    if (coldCalls + warmCalls !== ran) found.push(`${coldCalls} cold and ${warmCalls} warm calls are not ${ran}`);
    const mayShare = this.#version.pool.reuse !== 'never';
    if (this.#queue.size > 0 && this.#instances.hasRoom && mayShare) found.push('calls wait beside room');
    return found.map((detail) => `${this.#version.versionId}: ${detail}`);
  }

  // Leases

  #lease(instance: PooledInstance, { isCold, nowMs }: { isCold: boolean; nowMs: number }): Lease {
    this.#instances.enter(instance, { nowMs, isShared: this.#isShared(instance) });
    return new Lease({ instance, running: instance.running!, isCold });
  }

  /** Gives an instance's room to those who wait, first come, first served; what is left is free. */
  #handOut(instance: PooledInstance, { isFresh, nowMs }: { isFresh: boolean; nowMs: number }): void {
    const isShared = this.#isShared(instance);
    let isCold = isFresh && instance.isStartedByCall;
    while (this.#queue.size > 0 && instance.hasRoom) {
      if (!isShared && (instance.inFlight > 0 || !instance.isStartedByCall)) break;
      const waiter = this.#queue.shift(nowMs)!;
      this.#demand.change(1, nowMs);
      waiter.serve(this.#lease(instance, { isCold, nowMs }));
      isCold = false;
    }
    if (instance.inFlight > 0) {
      if (isShared && instance.hasRoom) this.#instances.free(instance, nowMs);
    } else if (!isShared && instance.isStartedByCall) this.#life.leave(instance, 'not-reused', nowMs);
    else this.#instances.free(instance, nowMs);
  }

  /** Serves one call after another. */
  #isShared({ isStartedByCall }: PooledInstance): boolean {
    const { reuse } = this.#version.pool;
    return reuse === 'warm' || (reuse === 'by-hand' && !isStartedByCall);
  }

  #reasonToLeave(instance: PooledInstance, nowMs: number): StopReason | undefined {
    const { deployId, pool } = this.#version;
    if (instance.version.deployId !== deployId) return 'stale-deploy';
    if (pool.reuse !== 'warm' && instance.isStartedByCall) return 'not-reused';
    if (pool.usesMax !== undefined && instance.uses >= pool.usesMax) return 'uses';
    if (pool.ageMaxMs !== undefined && nowMs - instance.createdMs >= pool.ageMaxMs) return 'age';
    return this.#instances.current > this.#spawner.operatorCap() ? 'above-cap' : undefined;
  }

  #waitTimeout(waitedMs: number): PlatformError {
    const there = `${this.#instances.current} of at most ${this.#spawner.cap()} are there`;
    return new PlatformError('wait-timeout', `no instance was free within ${waitedMs} ms; ${there}`);
  }

  #ready(instance: PooledInstance, nowMs: number): void {
    this.#spawner.backoff.succeeded();
    this.#handOut(instance, { isFresh: true, nowMs });
  }

  #startFailed(instance: PooledInstance, error: unknown, nowMs: number): void {
    this.#spawner.backoff.failed(error, nowMs);
    // One start, one call that is told why. Where others serve, it may still be served by them.
    if (!instance.isStartedByCall || this.#instances.serving > 0) return;
    this.#queue.shift(nowMs)?.refuse(error);
  }

  #gone(nowMs: number): void {
    if (this.#queue.size > 0) this.#growth.grow(nowMs);
    if (this.#instances.size === 0) {
      this.#emptied?.resolve();
      this.#emptied = undefined;
    }
    this.#owner.changed(this);
  }

  // Bounds

  #endAll(error: PlatformError, reason: StopReason): void {
    this.#growth.stop();
    const nowMs = this.#nowMs();
    this.#queue.refuseAll(error, nowMs);
    for (const instance of this.#instances) this.#life.leave(instance, reason, nowMs);
    this.#owner.changed(this);
  }

  #nowMs(): number {
    return this.#context.clock.monotonicMs();
  }
}

import type { VersionRecord } from '../model/function-record.ts';
import type { SpawnSource } from '../model/invocation.ts';
import type { PlatformError } from '../model/platform-error.ts';
import type { PoolSnapshot, StopReason, Wish } from '../model/pool-snapshot.ts';
import { Growth } from './growth.ts';
import { InstanceLifecycle } from './instance-lifecycle.ts';
import type { InstanceSet } from './instance-set.ts';
import { Leasing } from './leasing.ts';
import type { PoolContext } from './pool-context.ts';
import type { PoolCounters } from './pool-counters.ts';
import { PoolKeeper } from './pool-keeper.ts';
import { PoolState } from './pool-state.ts';

export interface PoolOwner {
  /** The pool may have something to do at a tick now that it had not before, or the other way round. */
  changed(pool: InstancePool): void;
  /** Memory was refused: takes some from idle instances elsewhere, and calls `grow` when some is back. False: none will be. */
  makeRoom(pool: InstancePool, lack: { bytes: number; forChild: boolean }): boolean;
}

/** The instances of one version, and the calls that wait for one. Calls go through `leasing`; the rest is done to the pool from outside. */
export class InstancePool {
  readonly leasing: Leasing;
  readonly counters: PoolCounters;
  readonly instances: Pick<InstanceSet, 'reservedBytes' | 'leavingBytes' | 'processes'>;
  readonly #state: PoolState;
  readonly #lifecycle: InstanceLifecycle;
  readonly #growth: Growth;
  readonly #keeper: PoolKeeper;
  #emptied: PromiseWithResolvers<void> | undefined;

  constructor(version: VersionRecord, context: PoolContext, owner: PoolOwner) {
    const state = new PoolState(version, context, () => owner.changed(this));
    const lifecycle = new InstanceLifecycle(state, {
      onReady: (instance, nowMs) => this.leasing.onReady(instance, nowMs),
      onStartFailed: (instance, error, nowMs) => this.leasing.onStartFailed(instance, error, nowMs),
      onGone: (nowMs) => this.#onGone(nowMs),
    });
    const growth = new Growth(state, lifecycle, (lack) => owner.makeRoom(this, lack));
    this.leasing = new Leasing(state, lifecycle, growth);
    this.counters = state.counters;
    this.instances = state.instances;
    this.#state = state;
    this.#lifecycle = lifecycle;
    this.#growth = growth;
    this.#keeper = new PoolKeeper(state, lifecycle, growth);
  }

  get version(): VersionRecord {
    return this.#state.version;
  }

  /** Nothing here, nothing to come, nothing to keep: ticks pass it by. */
  get isQuiet(): boolean {
    const { instances, queue, closed, isDormant } = this.#state;
    if (instances.size > 0 || queue.size > 0) return false;
    return closed !== undefined || isDormant || this.#keeper.isQuiet;
  }

  /** Retired, and no call has come since: what is here ends, and nothing new starts by itself. */
  get isDormant(): boolean {
    return this.#state.isDormant;
  }

  /** Starts what is to be there before the first call. */
  begin(): void {
    this.#keeper.conform(this.#state.nowMs(), { mayLower: false });
    this.#state.onChanged();
  }

  /** The record as it is now, after a change or a rest: bounds hold at once, and instances of another deploy id leave. */
  adopt(version: VersionRecord): void {
    const state = this.#state;
    const { deployId } = state.version;
    state.isDormant = false;
    state.version = version;
    const nowMs = state.nowMs();
    if (version.deployId !== deployId) {
      this.#growth.backoff.succeeded();
      for (const instance of state.instances) this.#lifecycle.leave(instance, 'stale-deploy', nowMs);
    }
    for (let over = state.instances.current - state.operatorCap; over > 0; over -= 1) {
      this.#endOldestIdle('above-cap', nowMs);
    }
    this.#keeper.conform(nowMs, { mayLower: false });
    this.#growth.grow(nowMs);
    state.onChanged();
  }

  /** Retires exactly the instances that are there, and turns away the calls that wait. Later calls get new ones. */
  retire(error: PlatformError): void {
    this.#state.isDormant = true;
    this.#state.setWish(undefined);
    this.#endAll(error, 'retired');
  }

  /** For good: the platform stops. */
  close(error: PlatformError): void {
    this.#state.closed = error;
    this.#endAll(error, 'stopping');
  }

  /** Busy ones too, at once. */
  kill(): void {
    const nowMs = this.#state.nowMs();
    for (const instance of this.#state.instances) this.#lifecycle.kill(instance, 'stopping', nowMs);
  }

  whenEmpty(): Promise<void> {
    if (this.#state.instances.size === 0) return Promise.resolve();
    this.#emptied ??= Promise.withResolvers();
    return this.#emptied.promise;
  }

  /** Adds instances and resolves with how many are warm when all of them have started, or failed to. */
  prepare(request: { count: number; source: SpawnSource }): Promise<number> {
    return this.#growth.prepare(request);
  }

  /** Ends what is free, and with `alsoBusy` what was warmed by hand and is busy, after its call. */
  cool({ alsoBusy }: { alsoBusy: boolean }): number {
    const { instances } = this.#state;
    const nowMs = this.#state.nowMs();
    const leaving = [...instances.idle];
    for (const instance of alsoBusy ? instances : []) {
      if (instance.state === 'busy' && instance.isStartedByHand && !instance.leaving) leaving.push(instance);
    }
    for (const instance of leaving) this.#lifecycle.leave(instance, 'by-hand', nowMs);
    return leaving.length;
  }

  setWish(wish: Wish | undefined): void {
    this.#state.setWish(wish);
    this.#keeper.conform(this.#state.nowMs(), { mayLower: false });
    this.#state.onChanged();
  }

  tick(nowMs: number): void {
    if (this.#state.closed || this.#state.isDormant) return;
    // First: starts that end as overdue below reject their calls as such, and are not made up for before they have.
    if (this.#state.queue.size > 0) this.#growth.grow(nowMs);
    this.#keeper.tick(nowMs);
    this.#state.onChanged();
  }

  /** Ends free instances whose time is over. */
  reap(nowMs: number): void {
    if (!this.#state.closed && !this.#state.isDormant) this.#keeper.reap(nowMs);
  }

  /** Since when its longest idle instance that need not stay is idle; undefined: there is none. */
  spareSinceMs(): number | undefined {
    return this.#keeper.spareSinceMs();
  }

  /** Ends its longest idle instance for another pool's sake. */
  giveRoom(): void {
    this.#endOldestIdle('room', this.#state.nowMs());
  }

  /** Starts what waiting calls lack, when there may be room again. */
  grow(): void {
    if (this.#state.queue.size > 0) this.#growth.grow(this.#state.nowMs());
  }

  snapshot(): PoolSnapshot {
    return this.#state.snapshot(this.#keeper.wanted());
  }

  /** What cannot be, in words; nothing when all is well. */
  breaches(): string[] {
    return this.#state.breaches();
  }

  #onGone(nowMs: number): void {
    const { instances, queue } = this.#state;
    if (queue.size > 0) this.#growth.grow(nowMs);
    if (instances.size === 0) {
      this.#emptied?.resolve();
      this.#emptied = undefined;
    }
    this.#state.onChanged();
  }

  #endOldestIdle(reason: StopReason, nowMs: number): void {
    const [oldest] = this.#state.instances.idle;
    if (oldest) this.#lifecycle.leave(oldest, reason, nowMs);
  }

  #endAll(error: PlatformError, reason: StopReason): void {
    this.#growth.stop();
    const nowMs = this.#state.nowMs();
    this.#state.queue.rejectAll(error, nowMs);
    for (const instance of this.#state.instances) this.#lifecycle.leave(instance, reason, nowMs);
    this.#state.onChanged();
  }
}

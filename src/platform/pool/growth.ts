import { SharedTimer } from '../../lib/shared-timer.ts';
import type { SpawnSource } from '../model/invocation.ts';
import { PlatformError } from '../model/platform-error.ts';
import type { InstanceLifecycle } from './instance-lifecycle.ts';
import type { PoolState } from './pool-state.ts';
import { PooledInstance } from './pooled-instance.ts';

const MIB = 1024 * 1024;

/** Why no instance is started now. */
type Refusal = 'closed' | 'cap' | 'paused' | 'memory' | 'held-by-wish';

/** Memory was refused: takes some from idle instances elsewhere. False: none is to come. */
type MakeRoom = (lack: { bytes: number; forChild: boolean }) => boolean;

/** Starts the instances that waiting calls lack, and rejects the calls for which none will come. */
export class Growth {
  readonly backoff = new StartBackoff();
  readonly #state: PoolState;
  readonly #lifecycle: InstanceLifecycle;
  readonly #makeRoom: MakeRoom;
  readonly #resume: SharedTimer;

  constructor(state: PoolState, lifecycle: InstanceLifecycle, makeRoom: MakeRoom) {
    this.#state = state;
    this.#lifecycle = lifecycle;
    this.#makeRoom = makeRoom;
    this.#resume = new SharedTimer({ clock: state.context.clock, onRing: () => this.#growAgain() });
  }

  /** Starts as many as there are calls for which no start is on its way. Returns why there are fewer. */
  grow(nowMs: number): Refusal | undefined {
    const { instances, queue, version } = this.#state;
    const isShared = version.pool.reuse === 'warm';
    let lacking = queue.size - instances.expectedRoom({ isShared });
    while (lacking > 0) {
      const refusal = this.add(queue.first?.request.isRetry ? 'retry' : 'lazy', nowMs);
      if (refusal) {
        this.#onRefused(refusal, nowMs);
        return refusal;
      }
      lacking -= isShared ? version.launch.concurrency : 1;
    }
    return undefined;
  }

  /** Starts one, or says why not. */
  add(source: SpawnSource, nowMs: number): Refusal | undefined {
    const { closed, queue } = this.#state;
    if (closed) return 'closed';
    const spawned = this.#spawn({ source, nowMs, forChild: queue.children > 0 });
    if (!(spawned instanceof PooledInstance)) return spawned;
    void this.#lifecycle.begin(spawned);
    return undefined;
  }

  /** Adds instances and resolves with how many are warm when all of them have started, or failed to. */
  async prepare({ count, source }: { count: number; source: SpawnSource }): Promise<number> {
    const { closed, context, instances, version } = this.#state;
    if (closed) throw closed;
    const nowMs = this.#state.nowMs();
    context.listener({ type: 'prewarming', versionId: version.versionId, count });
    const started: Array<Promise<unknown>> = [];
    let refusal: Refusal | undefined;
    while (started.length < count && !refusal) {
      const spawned = this.#spawn({ source, nowMs, forChild: false });
      if (spawned instanceof PooledInstance) started.push(this.#lifecycle.begin(spawned));
      else refusal = spawned;
    }
    this.#state.onChanged();
    const [error] = (await Promise.all(started)).filter((error) => error !== undefined);
    if (instances.serving === 0) {
      if (error) throw error;
      if (refusal === 'memory') throw this.memoryExhausted();
      if (refusal === 'paused') throw this.backoff.latest;
    }
    return instances.count('warm');
  }

  /** Nothing is tried again by itself. */
  stop(): void {
    this.#resume.clear();
  }

  memoryExhausted(): PlatformError {
    const { context, instanceBytes } = this.#state;
    const mib = (bytes: number) => Math.floor(bytes / MIB);
    const free = `${mib(context.ledger.freeBytes({ forChild: false }))} of ${mib(context.ledger.budgetBytes)} MiB are free`;
    return new PlatformError(
      'memory-exhausted',
      `an instance needs ${mib(instanceBytes)} MiB, and ${free}: stop others or raise the budget`,
    );
  }

  /** Reserves the memory of one more instance and makes it, if there may be one. It is yet to be begun. */
  #spawn({ source, nowMs, forChild }: { source: SpawnSource; nowMs: number; forChild: boolean }) {
    const state = this.#state;
    const { ledger, limits } = state.context;
    const { current, idle } = state.instances;
    if (this.backoff.isPaused(nowMs)) return 'paused';
    const isForCall = source === 'lazy' || source === 'retry';
    // Where calls do not use what was warmed by hand, it takes no room from them either.
    const parked = isForCall && state.version.pool.reuse === 'never' ? idle.length : 0;
    if (current - parked >= state.operatorCap) return 'cap';
    const wish = isForCall && limits.lazyAboveWish === 'hold' ? state.wishAt(nowMs) : undefined;
    if (wish && current >= Math.max(1, wish.wanted)) return 'held-by-wish';
    const reservation = ledger.reserve(state.instanceBytes, { forChild: isForCall && forChild });
    return reservation ? this.#lifecycle.create({ source, reservation, nowMs }) : 'memory';
  }

  #onRefused(refusal: Refusal, nowMs: number): void {
    const { instances, instanceBytes, queue, version } = this.#state;
    const parked = version.pool.reuse === 'never' ? instances.idle.length : 0;
    const isAnyComing = instances.current > parked;
    if (refusal === 'paused') {
      if (isAnyComing) this.#resume.setBy(this.backoff.pausedUntilMs);
      else queue.rejectAll(this.backoff.latest, nowMs);
    } else if (refusal === 'memory') {
      const isRoomComing = this.#makeRoom({ bytes: instanceBytes, forChild: queue.children > 0 });
      if (!isRoomComing && !isAnyComing) queue.rejectAll(this.memoryExhausted(), nowMs);
    }
  }

  #growAgain(): void {
    if (this.#state.queue.size > 0) this.grow(this.#state.nowMs());
  }
}

const FREE_FAILURES = 2;
const PAUSE_FIRST_MS = 200;
const PAUSE_MAX_MS = 5_000;

/** Code that cannot start is not started over and over: after a few failures in a row there are growing pauses. */
class StartBackoff {
  pausedUntilMs = Number.NEGATIVE_INFINITY;
  /** What the last start failed with. */
  latest: unknown;
  #failures = 0;

  isPaused(nowMs: number): boolean {
    return nowMs < this.pausedUntilMs;
  }

  failed(error: unknown, nowMs: number): void {
    this.#failures += 1;
    this.latest = error;
    const beyond = this.#failures - FREE_FAILURES;
    if (beyond <= 0) return;
    // Starts run side by side: those that were on their way when the pause began do not make it longer.
    if (this.isPaused(nowMs)) this.#failures -= 1;
    else this.pausedUntilMs = nowMs + Math.min(PAUSE_MAX_MS, PAUSE_FIRST_MS * 2 ** Math.min(beyond - 1, 10));
  }

  succeeded(): void {
    this.#failures = 0;
    this.pausedUntilMs = Number.NEGATIVE_INFINITY;
    this.latest = undefined;
  }
}

import type { VersionRecord } from '../model/function-record.ts';
import { PlatformError } from '../model/platform-error.ts';
import type { PoolSnapshot, Wish } from '../model/pool-snapshot.ts';
import { memoryLimitBytes } from '../runtime/memory/memory-limit.ts';
import { CallQueue } from './call-queue.ts';
import { InstanceSet } from './instance-set.ts';
import type { PoolContext } from './pool-context.ts';
import { PoolCounters } from './pool-counters.ts';
import type { PooledInstance } from './pooled-instance.ts';

/** The state of one pool. Its parts (leasing, growth, keeper, lifecycle) share it, and none of them keeps a copy. */
export class PoolState {
  readonly context: PoolContext;
  readonly instances = new InstanceSet();
  readonly counters = new PoolCounters();
  readonly queue: CallQueue;
  /** The pool may have something to do at a tick now that it had not before, or the other way round. */
  readonly onChanged: () => void;
  /** As it is now. Instances that were started for an older record may still be there. */
  version: VersionRecord;
  /** Set when the platform stops: the error of every call from then on. */
  closed: PlatformError | undefined;
  /** Retired, and no call has come since: what is here ends, and nothing new starts by itself. */
  isDormant = false;
  #wish: Wish | undefined;
  #wishUntilMs = 0;

  constructor(version: VersionRecord, context: PoolContext, onChanged: () => void) {
    this.version = version;
    this.context = context;
    this.onChanged = onChanged;
    this.queue = new CallQueue(context.clock, this.counters, (waitedMs) => {
      onChanged();
      return this.#waitTimeout(waitedMs);
    });
  }

  nowMs(): number {
    return this.context.clock.monotonicMs();
  }

  /** What the autoscaler wants, while that holds. */
  wishAt(nowMs: number): Wish | undefined {
    return this.#wish && nowMs < this.#wishUntilMs ? this.#wish : undefined;
  }

  setWish(wish: Wish | undefined): void {
    const { clock } = this.context;
    this.#wish = wish;
    // From here on it is timed by the clock that never jumps.
    this.#wishUntilMs = wish ? clock.monotonicMs() + wish.untilMs - clock.wallMs() : 0;
  }

  get operatorCap(): number {
    return Math.min(this.version.pool.instancesMax, this.context.limits.instancesMax);
  }

  /** What is reserved for one instance. */
  get instanceBytes(): number {
    return memoryLimitBytes(this.version.launch, this.context.limits.memoryFactor);
  }

  /** The operator's cap, or fewer: what memory still holds, and what the pool holds of it. */
  get cap(): number {
    const freeBytes = this.context.ledger.freeBytes({ forChild: true });
    const fitting = Math.floor((freeBytes + this.instances.reservedBytes()) / this.instanceBytes);
    return Math.min(this.operatorCap, fitting);
  }

  /** Whether an instance serves one call after another. */
  isShared({ isStartedByCall }: PooledInstance): boolean {
    const { reuse } = this.version.pool;
    return reuse === 'warm' || (reuse === 'by-hand' && !isStartedByCall);
  }

  /** A copy that nothing changes any more. */
  snapshot(wanted: number): PoolSnapshot {
    const nowMs = this.nowMs();
    return {
      versionId: this.version.versionId,
      instances: this.instances.snapshots(nowMs),
      waiting: this.queue.size,
      running: this.instances.running,
      wanted,
      wishUntilMs: this.wishAt(nowMs)?.untilMs,
      cap: this.cap,
      ...this.counters.snapshot(),
      reservedBytes: this.instances.reservedBytes(),
    };
  }

  /** What cannot be, in words; nothing when all is well. Cheap, and run in production too. */
  breaches(): string[] {
    const found = this.instances.breaches();
    const { coldCalls, warmCalls, ran } = this.counters;
    if (coldCalls + warmCalls !== ran) found.push(`${coldCalls} cold and ${warmCalls} warm calls are not ${ran}`);
    const mayShare = this.version.pool.reuse !== 'never';
    if (this.queue.size > 0 && this.instances.hasRoom && mayShare) found.push('calls wait beside room');
    return found.map((detail) => `${this.version.versionId}: ${detail}`);
  }

  #waitTimeout(waitedMs: number): PlatformError {
    const there = `${this.instances.current} of at most ${this.cap} are there`;
    return new PlatformError('wait-timeout', `no instance was free within ${waitedMs} ms; ${there}`);
  }
}

import type { VersionRecord } from '../model/function-record.ts';
import type { SpawnSource } from '../model/invocation.ts';
import { PlatformError } from '../model/platform-error.ts';
import { memoryLimitBytes } from '../runtime/memory/memory-limit.ts';
import type { InstanceLifecycle } from './instance-lifecycle.ts';
import type { InstanceSet } from './instance-set.ts';
import type { PoolContext } from './pool-context.ts';
import type { PooledInstance } from './pooled-instance.ts';
import type { Wish } from './scaler.ts';
import { StartBackoff } from './start-backoff.ts';

const MIB = 1024 * 1024;

/** Why no instance is started now. */
export type Refusal = 'closed' | 'cap' | 'paused' | 'memory' | 'held-by-wish';

export interface SpawnerOptions {
  readonly context: PoolContext;
  readonly instances: InstanceSet;
  readonly life: InstanceLifecycle;
  readonly version: () => VersionRecord;
  readonly wishAt: (nowMs: number) => Wish | undefined;
}

/** Says whether one more instance may be started, and sets its memory aside before it is. */
export class Spawner {
  readonly backoff = new StartBackoff();
  readonly #context: PoolContext;
  readonly #instances: InstanceSet;
  readonly #life: InstanceLifecycle;
  readonly #version: () => VersionRecord;
  readonly #wishAt: (nowMs: number) => Wish | undefined;

  constructor({ context, instances, life, version, wishAt }: SpawnerOptions) {
    this.#context = context;
    this.#instances = instances;
    this.#life = life;
    this.#version = version;
    this.#wishAt = wishAt;
  }

  /** The instance is there from now on; it is yet to be begun. */
  spawn({
    source,
    nowMs,
    forChild,
  }: {
    source: SpawnSource;
    nowMs: number;
    forChild: boolean;
  }): PooledInstance | Refusal {
    const { ledger, limits } = this.#context;
    const { current, idle } = this.#instances;
    const version = this.#version();
    if (this.backoff.isPaused(nowMs)) return 'paused';
    const isForCall = source === 'lazy' || source === 'retry';
    // Where calls do not use what was warmed by hand, it takes no room from them either.
    const parked = isForCall && version.pool.reuse === 'never' ? idle.length : 0;
    if (current - parked >= this.operatorCap()) return 'cap';
    const wish = isForCall && limits.lazyAboveWish === 'hold' ? this.#wishAt(nowMs) : undefined;
    if (wish && current >= Math.max(1, wish.wanted)) return 'held-by-wish';
    const reservation = ledger.reserve(this.budgetBytes(), { forChild: isForCall && forChild });
    return reservation ? this.#life.create(version, { source, reservation, nowMs }) : 'memory';
  }

  /** What one instance is promised. */
  budgetBytes(): number {
    return memoryLimitBytes(this.#version().launch, this.#context.limits.memoryFactor);
  }

  operatorCap(): number {
    return Math.min(this.#version().pool.instancesMax, this.#context.limits.instancesMax);
  }

  /** With what memory still holds, and what the pool holds of it. */
  cap(): number {
    const freeBytes = this.#context.ledger.freeBytes({ forChild: true });
    const fitting = Math.floor((freeBytes + this.#instances.reservedBytes()) / this.budgetBytes());
    return Math.min(this.operatorCap(), fitting);
  }

  memoryExhausted(): PlatformError {
    const { ledger } = this.#context;
    const mib = (bytes: number) => Math.floor(bytes / MIB);
    const free = `${mib(ledger.freeBytes({ forChild: false }))} of ${mib(ledger.budgetBytes)} MiB are free`;
    return new PlatformError(
      'memory-exhausted',
      `an instance needs ${mib(this.budgetBytes())} MiB, and ${free}: stop others or raise the budget`,
    );
  }
}

import type { Clock } from '../../lib/clock.ts';
import { Limiter } from '../../lib/limiter.ts';
import { type Random, systemRandom } from '../../lib/random.ts';
import type { VersionDirectory, VersionRecord } from '../model/function-record.ts';
import type { SpawnSource } from '../model/invocation.ts';
import { PlatformError } from '../model/platform-error.ts';
import type { PoolListener } from '../model/pool-event.ts';
import type { PoolSnapshot, Pools, Wish } from '../model/pool-snapshot.ts';
import type { InstanceBackend } from '../runtime/instance-backend.ts';
import { InstancePool, type PoolOwner } from './instance-pool.ts';
import { MemoryLedger } from './memory-ledger.ts';
import type { HostCapacity, PoolContext, PoolLimits } from './pool-context.ts';
import { DEFAULT_SCALER, type ScalerOptions } from './scaler.ts';

const MIB = 1024 * 1024;
/** How much of the host's memory may be reserved for all instances together. */
const MEMORY_SHARE = 0.8;
const INSTANCES_PER_CPU = 8;
const BACKGROUND_STARTS_PER_CPU = 2;

export interface InstancePoolsOptions extends Partial<Omit<PoolLimits, 'instancesMax'>> {
  readonly clock: Clock;
  readonly random?: Random;
  readonly backend: InstanceBackend;
  readonly directory: VersionDirectory;
  readonly host: HostCapacity;
  /** Of the memory, kept for calls that functions make. */
  readonly keptForChildrenBytes?: number;
  readonly tickMs?: number;
  readonly reapEveryMs?: number;
  readonly scaler?: Partial<ScalerOptions>;
  readonly listener?: PoolListener;
  /** Ids of instances; UUIDs unless given. No two may be alike while the process runs. */
  readonly nameInstance?: (version: VersionRecord) => string;
}

/**
 * All pools. A version has none until its first call, wish or warming, and ticks look only at pools that have instances,
 * callers, a wish or a floor: a thousand idle functions cost nothing.
 */
export class InstancePools implements Pools, PoolOwner {
  readonly #directory: VersionDirectory;
  readonly #context: PoolContext;
  readonly #tickMs: number;
  readonly #reapEveryMs: number;
  readonly #pools = new Map<string, InstancePool>();
  /** Have something that a tick may concern. */
  readonly #active = new Set<InstancePool>();
  /** Wait for memory, in the order in which it was refused. */
  readonly #starved = new Set<InstancePool>();
  #cancelTick: (() => void) | undefined;
  #nextReapMs: number | undefined;
  #isFeeding = false;
  #stopping: PlatformError | undefined;

  constructor(options: InstancePoolsOptions) {
    const { clock, random = systemRandom, backend, directory, host, listener = () => {} } = options;
    const { keptForChildrenBytes = 192 * MIB, tickMs = 2_000, reapEveryMs = 30_000 } = options;
    this.#directory = directory;
    this.#tickMs = tickMs;
    this.#reapEveryMs = reapEveryMs;
    this.#context = {
      clock,
      backend,
      listener,
      nameInstance: options.nameInstance ?? (() => random.uuid()),
      ledger: new MemoryLedger({
        budgetBytes: Math.floor(host.memoryBytes * MEMORY_SHARE),
        keptForChildrenBytes,
        onGivenBack: () => this.#feedStarved(),
      }),
      backgroundStarts: new Limiter(BACKGROUND_STARTS_PER_CPU * host.cpus),
      scaler: { ...DEFAULT_SCALER, ...options.scaler },
      limits: {
        instancesMax: INSTANCES_PER_CPU * host.cpus,
        memoryFactor: options.memoryFactor ?? 1.5,
        whenMemoryIsShort: options.whenMemoryIsShort ?? 'wait',
        lazyAboveWish: options.lazyAboveWish ?? 'grow',
        startTimeoutMs: options.startTimeoutMs ?? 30_000,
        scaleDownAfterIdleMs: options.scaleDownAfterIdleMs ?? 10_000,
      },
    };
  }

  /** The pool that serves this version, made now if there is none. */
  poolFor(version: VersionRecord): InstancePool {
    const pool = this.#pools.get(version.versionId);
    if (!pool) return this.#open(version);
    if (pool.version !== version || pool.isDormant) pool.adopt(version);
    return pool;
  }

  of(versionId: string): PoolSnapshot | undefined {
    return this.#pools.get(versionId)?.snapshot();
  }

  *snapshots(): Iterable<PoolSnapshot> {
    for (const pool of this.#pools.values()) yield pool.snapshot();
  }

  memory(): { readonly reservedBytes: number; readonly budgetBytes: number } {
    const { reservedBytes, budgetBytes } = this.#context.ledger;
    return { reservedBytes, budgetBytes };
  }

  async warm(
    versionId: string,
    { count, source, signal }: { count: number; source: SpawnSource; signal?: AbortSignal },
  ): Promise<number> {
    signal?.throwIfAborted();
    const version = this.#directory.version(versionId);
    if (!version) throw new PlatformError('version-unknown', `there is no version ${versionId}`);
    const prepared = this.poolFor(version).prepare({ count, source });
    if (!signal) return prepared;
    const { promise: aborted, reject } = Promise.withResolvers<never>();
    const onAbort = () => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    // A caller that stops waiting leaves the instances coming: they are wanted all the same.
    return Promise.race([prepared, aborted]).finally(() => signal.removeEventListener('abort', onAbort));
  }

  wish(versionId: string, wish: Wish | undefined): void {
    const version = this.#directory.version(versionId);
    if (!version || this.#stopping) return;
    // No pool is made for nothing.
    const pool = wish ? this.poolFor(version) : this.#pools.get(versionId);
    pool?.setWish(wish);
  }

  cool(versionId: string, { alsoBusy = false }: { alsoBusy?: boolean } = {}): number {
    return this.#pools.get(versionId)?.cool({ alsoBusy }) ?? 0;
  }

  refresh(versionId: string): void {
    const version = this.#directory.version(versionId);
    if (!version) this.retire(versionId);
    // No pool is made for nothing.
    else if (this.#pools.has(versionId) || version.pool.instancesMin > 0) this.poolFor(version);
  }

  retire(versionId: string): void {
    const error = new PlatformError('version-unknown', `version ${versionId} was taken away`);
    this.#pools.get(versionId)?.retire(error);
  }

  /** Lets busy instances end their calls, for so long; then kills what is left. Resolves when every process was reaped. */
  async stop({ graceMs }: { graceMs: number }): Promise<void> {
    const { clock } = this.#context;
    const error = new PlatformError('stopping', 'the platform is stopping');
    this.#stopping = error;
    this.#cancelTick?.();
    this.#cancelTick = undefined;
    const all = [...this.#pools.values()];
    for (const pool of all) pool.close(error);
    const cancelKill = clock.after(graceMs, () => {
      for (const pool of all) pool.kill();
    });
    await Promise.all(all.map((pool) => pool.whenEmpty()));
    cancelKill();
  }

  // What the pools ask for

  changed(pool: InstancePool): void {
    if (!pool.isQuiet) this.#active.add(pool);
    else {
      this.#active.delete(pool);
      const { versionId } = pool.version;
      if (pool.isDormant && !this.#directory.version(versionId)) this.#pools.delete(versionId);
    }
    this.#keepTicking();
  }

  makeRoom(asking: InstancePool, { bytes, forChild }: { bytes: number; forChild: boolean }): boolean {
    this.#starved.add(asking);
    let comingBytes = this.#context.ledger.freeBytes({ forChild });
    for (const pool of this.#active) comingBytes += pool.instances.leavingBytes();
    while (comingBytes < bytes) {
      const spare = this.#longestSpare(asking);
      if (!spare) break;
      const before = spare.instances.leavingBytes();
      spare.giveRoom();
      comingBytes += spare.instances.leavingBytes() - before;
    }
    return comingBytes >= bytes;
  }

  /** Everything that cannot be, in words. Also looked at while the platform runs, whenever it reaps. */
  breaches(): string[] {
    const found: string[] = [];
    let reservedBytes = 0;
    for (const pool of this.#pools.values()) {
      found.push(...pool.breaches());
      reservedBytes += pool.instances.reservedBytes();
    }
    const { ledger } = this.#context;
    if (reservedBytes !== ledger.reservedBytes) {
      found.push(`${ledger.reservedBytes} bytes reserved, instances hold ${reservedBytes}`);
    }
    return found;
  }

  /** Processes that were started and not reaped, over all pools. */
  get processes(): number {
    return this.#pools.values().reduce((count, pool) => count + pool.instances.processes, 0);
  }

  /** Pools that ticks look at. */
  get activePools(): number {
    return this.#active.size;
  }

  #open(version: VersionRecord): InstancePool {
    const pool = new InstancePool(version, this.#context, this);
    if (this.#stopping) pool.close(this.#stopping);
    else {
      this.#pools.set(version.versionId, pool);
      pool.begin();
    }
    return pool;
  }

  #longestSpare(asking: InstancePool): InstancePool | undefined {
    let longest: InstancePool | undefined;
    let sinceMs = Number.POSITIVE_INFINITY;
    for (const pool of this.#active) {
      const spareSinceMs = pool === asking ? undefined : pool.spareSinceMs();
      if (spareSinceMs === undefined || spareSinceMs >= sinceMs) continue;
      longest = pool;
      sinceMs = spareSinceMs;
    }
    return longest;
  }

  #feedStarved(): void {
    // A pool that takes memory may give some back at once; the loop that runs goes on with it.
    if (this.#isFeeding || this.#starved.size === 0) return;
    this.#isFeeding = true;
    try {
      for (const pool of [...this.#starved]) {
        this.#starved.delete(pool);
        pool.grow();
      }
    } finally {
      this.#isFeeding = false;
    }
  }

  #keepTicking(): void {
    if (this.#active.size === 0 || this.#stopping) {
      this.#cancelTick?.();
      this.#cancelTick = undefined;
      this.#nextReapMs = undefined;
    } else if (!this.#cancelTick) {
      const { clock } = this.#context;
      this.#nextReapMs ??= clock.monotonicMs() + this.#reapEveryMs;
      this.#cancelTick = clock.after(this.#tickMs, () => this.#tick());
    }
  }

  #tick(): void {
    const { clock, listener } = this.#context;
    const nowMs = clock.monotonicMs();
    const isReaping = this.#nextReapMs !== undefined && nowMs >= this.#nextReapMs;
    if (isReaping) this.#nextReapMs = nowMs + this.#reapEveryMs;
    for (const pool of [...this.#active]) {
      pool.tick(nowMs);
      if (isReaping) pool.reap(nowMs);
    }
    if (isReaping) for (const detail of this.breaches()) listener({ type: 'breach', detail });
    this.#cancelTick = undefined;
    this.#keepTicking();
  }
}

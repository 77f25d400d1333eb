import type { VersionRecord } from '../model/function-record.ts';
import type { SpawnSource } from '../model/invocation.ts';
import type { DemandMeter } from './demand-meter.ts';
import type { InstanceLifecycle } from './instance-lifecycle.ts';
import type { InstanceSet } from './instance-set.ts';
import type { PoolContext } from './pool-context.ts';
import type { PoolCounters } from './pool-counters.ts';
import { type PoolLoad, Scaler, type Standing } from './scaler.ts';
import { surplusStep } from './scaling-rules.ts';

/** What the keeper needs of the pool that it keeps. */
interface KeptPool {
  version(): VersionRecord;
  waiting(): number;
  operatorCap(): number;
  /** Says why not. */
  add(source: SpawnSource, nowMs: number): string | undefined;
}

export interface PoolKeeperOptions {
  readonly context: PoolContext;
  readonly instances: InstanceSet;
  readonly life: InstanceLifecycle;
  readonly counters: PoolCounters;
  readonly demand: DemandMeter;
  readonly pool: KeptPool;
}

/** What one pool does by itself as time goes by: conform to what is wanted, reap, and end what is overdue. */
export class PoolKeeper {
  readonly scaler: Scaler;
  readonly #context: PoolContext;
  readonly #instances: InstanceSet;
  readonly #life: InstanceLifecycle;
  readonly #counters: PoolCounters;
  readonly #demand: DemandMeter;
  readonly #pool: KeptPool;

  constructor({ context, instances, life, counters, demand, pool }: PoolKeeperOptions) {
    this.scaler = new Scaler(context.scaler);
    this.#context = context;
    this.#instances = instances;
    this.#life = life;
    this.#counters = counters;
    this.#demand = demand;
    this.#pool = pool;
  }

  /** Nobody wishes anything and nothing is to be kept. */
  get isQuiet(): boolean {
    const standing = this.#standing();
    return !this.scaler.wishAt(standing.nowMs) && this.scaler.floor(standing) === 0;
  }

  wanted(): number {
    return this.scaler.want(this.#standing()).wanted;
  }

  tick(nowMs: number): void {
    this.#endOverdue(nowMs);
    this.scaler.observe(this.#load(nowMs));
    this.conform(nowMs, { mayLower: true });
    if (this.#instances.size === 0 && this.#pool.waiting() === 0) this.scaler.forget();
  }

  /** Starts what is wanted and not there; ends some of what is there and not wanted. */
  conform(nowMs: number, { mayLower }: { mayLower: boolean }): void {
    const { listener } = this.#context;
    const { versionId, pool } = this.#pool.version();
    // Where every call has its own, nobody would ever use what was started ahead; what hands made, hands keep.
    if (pool.reuse !== 'warm') return;
    const want = this.scaler.want(this.#standing());
    let added = 0;
    while (this.#instances.current < want.wanted) {
      if (this.#pool.add(want.by === 'wish' ? 'external' : 'scaler', nowMs)) break;
      added += 1;
    }
    if (added > 0) listener({ type: 'scaled-up', versionId, count: added });
    const step = mayLower && want.mayLower ? surplusStep(this.#instances.current, want.wanted) : 0;
    if (step === 0) return;
    const { scaleDownAfterIdleMs } = this.#context.limits;
    const leaving = this.#instances.idle
      .filter((instance) => want.by === 'wish' || !instance.isStartedByHand)
      .filter(({ idleSinceMs }) => nowMs - idleSinceMs >= scaleDownAfterIdleMs)
      .slice(0, step);
    for (const instance of leaving) this.#life.leave(instance, 'surplus', nowMs);
    if (leaving.length > 0) listener({ type: 'scaled-down', versionId, count: leaving.length });
  }

  /** Age spares no free instance; the floor holds against idleness alone. */
  reap(nowMs: number): void {
    const { idleTtlMs, ageMaxMs = Number.POSITIVE_INFINITY } = this.#pool.version().pool;
    for (const instance of this.#instances.idle.filter(({ createdMs }) => nowMs - createdMs >= ageMaxMs)) {
      this.#life.leave(instance, 'age', nowMs);
    }
    const floor = Math.max(this.scaler.floor(this.#standing()), this.#keptBesideBusy(nowMs));
    for (let [oldest] = this.#instances.idle; oldest; [oldest] = this.#instances.idle) {
      if (this.#instances.current <= floor || nowMs - oldest.idleSinceMs < idleTtlMs) return;
      this.#life.leave(oldest, 'idle', nowMs);
    }
  }

  /** Else they would be ended for their idleness, and asked for again. */
  #keptBesideBusy(nowMs: number): number {
    const { freeBesideBusy = 0 } = this.#pool.version().pool;
    const busy = this.#instances.count('busy');
    return busy > 0 && !this.scaler.wishAt(nowMs) ? busy + freeBesideBusy : 0;
  }

  /** Since when its longest idle instance that nobody insists on is idle; undefined: there is none. */
  spareSinceMs(): number | undefined {
    const [oldest] = this.#instances.idle;
    if (!oldest || this.#instances.current <= this.scaler.floor(this.#standing())) return undefined;
    return oldest.idleSinceMs;
  }

  /** Instances that should have ended something long ago: whatever they do, nobody waits for it. */
  #endOverdue(nowMs: number): void {
    const { overdueAfterMs, startTimeoutMs } = this.#context.limits;
    for (const instance of this.#instances) {
      const { timeoutMs, concurrency } = instance.version.launch;
      const isOverdue =
        instance.state === 'warming'
          ? nowMs - instance.startingSinceMs > startTimeoutMs
          : // With several calls at a time, the first of them may be long over.
            instance.state === 'busy' && concurrency === 1 && nowMs - instance.busySinceMs > timeoutMs + overdueAfterMs;
      if (isOverdue) this.#life.kill(instance, 'overdue', nowMs);
    }
  }

  #standing(): Standing {
    const { instancesMin, keepWarm } = this.#pool.version().pool;
    return {
      nowMs: this.#context.clock.monotonicMs(),
      cap: this.#pool.operatorCap(),
      current: this.#instances.current,
      instancesMin,
      keepWarm,
      hadTraffic: this.#counters.requests > 0,
    };
  }

  #load(nowMs: number): PoolLoad {
    const { launch, pool } = this.#pool.version();
    return {
      ...this.#standing(),
      concurrency: launch.concurrency,
      freeBesideBusy: pool.freeBesideBusy ?? pool.keepWarm,
      warm: this.#instances.count('warm'),
      busy: this.#instances.count('busy'),
      waiting: this.#pool.waiting(),
      demandMsTotal: this.#demand.totalMs(nowMs),
      busyMsTotal: this.#instances.busyMsTotal(nowMs),
      endedTotal: this.#counters.ended,
      failedTotal: this.#counters.failed,
      latencyMsTotal: this.#counters.latencyMs,
    };
  }
}

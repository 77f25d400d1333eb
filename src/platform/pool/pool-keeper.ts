import type { Growth } from './growth.ts';
import type { InstanceLifecycle } from './instance-lifecycle.ts';
import type { PoolState } from './pool-state.ts';
import { type PoolLoad, Scaler, type ScalingInput } from './scaler.ts';
import { surplusStep } from './scaling-rules.ts';

/** Beyond a call's own time-out, which the instance itself keeps. */
const OVERDUE_AFTER_MS = 5_000;

/** What one pool does by itself as time goes by: it conforms to what is wanted, reaps, and ends what is overdue. */
export class PoolKeeper {
  readonly #scaler: Scaler;
  readonly #state: PoolState;
  readonly #lifecycle: InstanceLifecycle;
  readonly #growth: Growth;

  constructor(state: PoolState, lifecycle: InstanceLifecycle, growth: Growth) {
    this.#scaler = new Scaler(state.context.scaler);
    this.#state = state;
    this.#lifecycle = lifecycle;
    this.#growth = growth;
  }

  /** No wish holds and nothing is to be kept. */
  get isQuiet(): boolean {
    const input = this.#input();
    return input.wished === undefined && this.#scaler.floor(input) === 0;
  }

  wanted(): number {
    return this.#scaler.want(this.#input()).wanted;
  }

  tick(nowMs: number): void {
    this.#endOverdue(nowMs);
    this.#scaler.observe(this.#load(nowMs));
    this.conform(nowMs, { mayLower: true });
    if (this.#state.instances.size === 0 && this.#state.queue.size === 0) this.#scaler.forget();
  }

  /** Starts what is wanted and not there; ends some of what is there and not wanted. */
  conform(nowMs: number, { mayLower }: { mayLower: boolean }): void {
    const { context, instances, version } = this.#state;
    const { versionId } = version;
    // Where every call has its own instance, no call would use one that was started ahead.
    if (version.pool.reuse !== 'warm') return;
    const want = this.#scaler.want(this.#input());
    let added = 0;
    while (instances.current < want.wanted) {
      if (this.#growth.add(want.by === 'wish' ? 'external' : 'scaler', nowMs)) break;
      added += 1;
    }
    if (added > 0) context.listener({ type: 'scaled-up', versionId, count: added });
    const step = mayLower && want.mayLower ? surplusStep(instances.current, want.wanted) : 0;
    if (step === 0) return;
    const leaving = instances.idle
      .filter((instance) => want.by === 'wish' || !instance.isStartedByHand)
      .filter(({ idleSinceMs }) => nowMs - idleSinceMs >= context.limits.scaleDownAfterIdleMs)
      .slice(0, step);
    for (const instance of leaving) this.#lifecycle.leave(instance, 'surplus', nowMs);
    if (leaving.length > 0) context.listener({ type: 'scaled-down', versionId, count: leaving.length });
  }

  /** Age spares no free instance; the floor holds against idleness alone. */
  reap(nowMs: number): void {
    const { idleTtlMs, ageMaxMs = Number.POSITIVE_INFINITY } = this.#state.version.pool;
    for (const instance of this.#state.instances.idle.filter(({ createdMs }) => nowMs - createdMs >= ageMaxMs)) {
      this.#lifecycle.leave(instance, 'age', nowMs);
    }
    const floor = Math.max(this.#scaler.floor(this.#input()), this.#keptBesideBusy(nowMs));
    for (let [oldest] = this.#state.instances.idle; oldest; [oldest] = this.#state.instances.idle) {
      if (this.#state.instances.current <= floor || nowMs - oldest.idleSinceMs < idleTtlMs) return;
      this.#lifecycle.leave(oldest, 'idle', nowMs);
    }
  }

  /** Else they would be ended for their idleness, and asked for again. */
  #keptBesideBusy(nowMs: number): number {
    const { freeBesideBusy = 0 } = this.#state.version.pool;
    const busy = this.#state.instances.count('busy');
    return busy > 0 && !this.#state.wishAt(nowMs) ? busy + freeBesideBusy : 0;
  }

  /** Since when its longest idle instance that need not stay is idle; undefined: there is none. */
  spareSinceMs(): number | undefined {
    const [oldest] = this.#state.instances.idle;
    if (!oldest || this.#state.instances.current <= this.#scaler.floor(this.#input())) return undefined;
    return oldest.idleSinceMs;
  }

  /** Ends instances that should have been ready, or done with their call, long ago: no caller waits any more. */
  #endOverdue(nowMs: number): void {
    const { startTimeoutMs } = this.#state.context.limits;
    for (const instance of this.#state.instances) {
      const { timeoutMs, concurrency } = instance.version.launch;
      const isOverdue =
        instance.state === 'warming'
          ? nowMs - instance.startingSinceMs > startTimeoutMs
          : // With several calls at a time, the first of them may be long over.
            instance.state === 'busy' &&
            concurrency === 1 &&
            nowMs - instance.busySinceMs > timeoutMs + OVERDUE_AFTER_MS;
      if (isOverdue) this.#lifecycle.kill(instance, 'overdue', nowMs);
    }
  }

  #input(): ScalingInput {
    const { version, operatorCap, instances, counters } = this.#state;
    const nowMs = this.#state.nowMs();
    return {
      nowMs,
      wished: this.#state.wishAt(nowMs)?.wanted,
      cap: operatorCap,
      current: instances.current,
      instancesMin: version.pool.instancesMin,
      keepWarm: version.pool.keepWarm,
      hadTraffic: counters.requests > 0,
    };
  }

  #load(nowMs: number): PoolLoad {
    const { launch, pool } = this.#state.version;
    return {
      ...this.#input(),
      concurrency: launch.concurrency,
      freeBesideBusy: pool.freeBesideBusy ?? pool.keepWarm,
      warm: this.#state.instances.count('warm'),
      busy: this.#state.instances.count('busy'),
      waiting: this.#state.queue.size,
      demandMsTotal: this.#state.counters.demandMsTotal(nowMs),
      busyMsTotal: this.#state.instances.busyMsTotal(nowMs),
      endedTotal: this.#state.counters.ended,
      failedTotal: this.#state.counters.failed,
      latencyMsTotal: this.#state.counters.latencyMs,
    };
  }
}

import {
  CALM,
  concurrencyRule,
  type DemandWindow,
  flowRule,
  QUEUE_RULE_LIMITS,
  queueRule,
  smooth,
  widenWindow,
} from './scaling-rules.ts';

export const DEFAULT_SCALER = {
  /** Off: only floors, wishes and calls start instances, and only the reaper ends them. */
  hasInnerRules: true,
  queueRuleEveryMs: 5_000,
  queueRuleLimits: QUEUE_RULE_LIMITS,
};

export type ScalerOptions = Readonly<typeof DEFAULT_SCALER>;

/** What bounds and floors depend on. */
export interface ScalingInput {
  readonly nowMs: number;
  /** What the autoscaler wants, while that holds. */
  readonly wished: number | undefined;
  readonly cap: number;
  /** Cold, warming, warm and busy ones. */
  readonly current: number;
  readonly instancesMin: number;
  readonly keepWarm: number;
  readonly hadTraffic: boolean;
}

/** A pool as its scaler sees it once a tick. The totals only grow; the scaler looks at the growth since the last tick. */
export interface PoolLoad extends ScalingInput {
  readonly concurrency: number;
  readonly warm: number;
  readonly busy: number;
  readonly waiting: number;
  readonly freeBesideBusy: number;
  readonly demandMsTotal: number;
  readonly busyMsTotal: number;
  readonly endedTotal: number;
  readonly failedTotal: number;
  readonly latencyMsTotal: number;
}

export interface WantedCount {
  readonly wanted: number;
  readonly by: 'wish' | 'rules' | 'floor';
  /** Free instances above it may be ended. Else only the reaper ends them. */
  readonly mayLower: boolean;
}

/** Says how many instances one pool should have. A wish of the autoscaler goes before the inner rules while it holds. */
export class Scaler {
  readonly #options: ScalerOptions;
  #window: DemandWindow = [];
  #panic = CALM;
  #callsPerSecond: number | undefined;
  #runningMs: number | undefined;
  #queueRuleDueMs = Number.NEGATIVE_INFINITY;
  #queueRuleWanted = 0;
  #before: PoolLoad | undefined;
  #ruled = 0;

  constructor(options: ScalerOptions) {
    this.#options = options;
  }

  /** Once a tick. */
  observe(load: PoolLoad): void {
    const before = this.#before;
    this.#before = load;
    if (!before || !this.#options.hasInnerRules) return;
    const tickMs = load.nowMs - before.nowMs;
    if (tickMs <= 0) return;
    this.#window = widenWindow(this.#window, (load.demandMsTotal - before.demandMsTotal) / tickMs);
    const ended = load.endedTotal - before.endedTotal;
    this.#callsPerSecond = smooth(this.#callsPerSecond, (ended / tickMs) * 1000);
    if (ended > 0) this.#runningMs = smooth(this.#runningMs, (load.busyMsTotal - before.busyMsTotal) / ended);
    this.#rule(load, before, ended);
  }

  /** A pool that had nothing at all for a while begins anew. */
  forget(): void {
    this.#window = [];
    this.#panic = CALM;
    this.#callsPerSecond = undefined;
    this.#queueRuleWanted = 0;
    this.#before = undefined;
    this.#ruled = 0;
  }

  want(input: ScalingInput): WantedCount {
    const floor = this.floor(input);
    if (input.wished !== undefined) return { wanted: floor, by: 'wish', mayLower: true };
    if (!this.#options.hasInnerRules) return { wanted: floor, by: 'floor', mayLower: false };
    // The last one is left to the reaper: rules that look back a minute must not undo an idle time of ten.
    const ruled = Math.min(input.cap, Math.max(this.#ruled, Math.min(1, input.current)));
    return { wanted: Math.max(ruled, floor), by: ruled > floor ? 'rules' : 'floor', mayLower: true };
  }

  /** What even an idle time that is over does not take away. */
  floor({ wished, cap, instancesMin, keepWarm, hadTraffic }: ScalingInput): number {
    // A wish decides about warmth too. The operator's least count holds against everything.
    const kept = wished ?? (hadTraffic ? keepWarm : 0);
    return Math.min(cap, Math.max(instancesMin, kept));
  }

  #rule(load: PoolLoad, before: PoolLoad, ended: number): void {
    const { nowMs, concurrency, current } = load;
    const byConcurrency = concurrencyRule({ window: this.#window, current, concurrency, nowMs }, this.#panic);
    this.#panic = byConcurrency.memory;
    const [callsPerSecond, runningMs] = [this.#callsPerSecond ?? 0, this.#runningMs ?? 0];
    const byFlow = flowRule({ callsPerSecond, runningMs, concurrency });
    if (nowMs >= this.#queueRuleDueMs) {
      const { queueRuleEveryMs, queueRuleLimits } = this.#options;
      const isFirst = this.#queueRuleDueMs === Number.NEGATIVE_INFINITY;
      // Counted from when it was due, so that ticks that do not divide the period keep its mean.
      this.#queueRuleDueMs = isFirst
        ? nowMs + queueRuleEveryMs
        : Math.max(this.#queueRuleDueMs + queueRuleEveryMs, nowMs);
      this.#queueRuleWanted = queueRule(
        {
          queued: load.waiting,
          warm: load.warm,
          busy: load.busy,
          current,
          warmMin: load.freeBesideBusy,
          meanLatencyMs: ended > 0 ? (load.latencyMsTotal - before.latencyMsTotal) / ended : 0,
          errorShare: ended > 0 ? (load.failedTotal - before.failedTotal) / ended : 0,
        },
        queueRuleLimits,
      );
    }
    this.#ruled = Math.max(byConcurrency.wanted, byFlow, this.#queueRuleWanted);
  }
}

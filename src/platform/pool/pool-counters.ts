import type { SpawnSource } from '../model/invocation.ts';
import type { PlatformErrorCode } from '../model/platform-error.ts';
import { LATENCY_BOUNDARIES_SECONDS, type PoolSnapshot, type StopReason } from '../model/pool-snapshot.ts';

const BOUNDARIES_MS = LATENCY_BOUNDARIES_SECONDS.map((seconds) => seconds * 1000);

/** What one version's pool has seen. Everything here only grows. */
export class PoolCounters {
  requests = 0;
  /** Calls that reached a handler; each is a cold or a warm one. */
  ran = 0;
  coldCalls = 0;
  warmCalls = 0;
  ended = 0;
  failed = 0;
  latencyMs = 0;
  waits = 0;
  waitedMs = 0;
  failedStarts = 0;
  readonly #failedCalls: Partial<Record<PlatformErrorCode, number>> = {};
  readonly #latencyCounts: number[] = new Array(BOUNDARIES_MS.length + 1).fill(0);
  readonly #spawned: Partial<Record<SpawnSource, number>> = {};
  readonly #stoppedBy: Partial<Record<StopReason, number>> = {};
  #stopped = 0;
  #scaleUps = 0;
  #scaleDowns = 0;
  /** Calls that run or wait now, and the sum of that over time. */
  #demand = 0;
  #demandMs = 0;
  #demandCountedUntilMs = 0;

  /** Calls came, began to run, ended or gave up. */
  changeDemand(by: number, nowMs: number): void {
    this.#demandMs += this.#demand * (nowMs - this.#demandCountedUntilMs);
    this.#demandCountedUntilMs = nowMs;
    this.#demand += by;
  }

  /** How many calls ran or waited, times how long. */
  demandMsTotal(nowMs: number): number {
    return this.#demandMs + this.#demand * (nowMs - this.#demandCountedUntilMs);
  }

  /** A call was answered, well or not. */
  countEnd(tookMs: number): void {
    this.ended += 1;
    this.latencyMs += tookMs;
    let index = 0;
    while (index < BOUNDARIES_MS.length && tookMs > BOUNDARIES_MS[index]!) index += 1;
    this.#latencyCounts[index]! += 1;
  }

  countFailure(code: PlatformErrorCode): void {
    this.failed += 1;
    this.#failedCalls[code] = (this.#failedCalls[code] ?? 0) + 1;
  }

  countSpawn(source: SpawnSource): void {
    this.#spawned[source] = (this.#spawned[source] ?? 0) + 1;
    if (source === 'lazy' || source === 'scaler' || source === 'external') this.#scaleUps += 1;
  }

  countStop(reason: StopReason): void {
    this.#stopped += 1;
    this.#stoppedBy[reason] = (this.#stoppedBy[reason] ?? 0) + 1;
    if (reason === 'surplus') this.#scaleDowns += 1;
  }

  /** A copy that nothing changes any more. */
  snapshot() {
    return {
      coldCalls: this.coldCalls,
      warmCalls: this.warmCalls,
      failedCalls: { ...this.#failedCalls },
      waits: this.waits,
      waitedSeconds: this.waitedMs / 1000,
      spawned: { ...this.#spawned },
      stopped: this.#stopped,
      stoppedBy: { ...this.#stoppedBy },
      failedStarts: this.failedStarts,
      scaleUps: this.#scaleUps,
      scaleDowns: this.#scaleDowns,
      requests: this.requests,
      latencySeconds: this.latencyMs / 1000,
      latencyCounts: [...this.#latencyCounts],
    } satisfies Partial<PoolSnapshot>;
  }
}

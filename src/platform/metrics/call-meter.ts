import type { Clock } from '../../lib/clock.ts';
import type { Invocation, InvocationRequest, Invoker } from '../model/invocation.ts';
import { PlatformError, type PlatformErrorCode } from '../model/platform-error.ts';
import type { CallLog } from './call-log.ts';

/** A caller that goes away rejects with its own reason. */
export type FailureCode = PlatformErrorCode | 'unexpected' | 'caller-gone';

/** What was counted of one version since the platform started. */
export type CallCounts = Readonly<Omit<Counts, 'change' | 'failed'>> & {
  readonly failed: ReadonlyMap<FailureCode, number>;
};

/** Counters never fall. */
class Counts {
  calls = 0;
  ended = 0;
  coldCalls = 0;
  warmCalls = 0;
  readonly failed = new Map<FailureCode, number>();
  /** Of ended calls, waiting included. */
  latencySeconds = 0;
  ranSeconds = 0;
  inSystem = 0;
  #inSystemMs = 0;
  #sinceMs = 0;

  /** Adds up calls × time, so that its rate is how many were waiting or running, also while none of them ends. */
  change(by: 1 | -1, nowMs: number): void {
    this.#inSystemMs += this.inSystem * (nowMs - this.#sinceMs);
    this.#sinceMs = nowMs;
    this.inSystem += by;
  }

  inSystemSeconds(nowMs: number): number {
    return (this.#inSystemMs + this.inSystem * (nowMs - this.#sinceMs)) / 1_000;
  }
}

/** Stands in front of the router and counts every call of every dialect, by version. */
export class CallMeter implements Invoker {
  readonly #inner: Invoker;
  readonly #clock: Clock;
  readonly #log: CallLog;
  readonly #counts = new Map<string, Counts>();

  constructor({ inner, clock, log }: { inner: Invoker; clock: Clock; log: CallLog }) {
    this.#inner = inner;
    this.#clock = clock;
    this.#log = log;
  }

  async invoke(request: InvocationRequest): Promise<Invocation> {
    const counts = this.#of(request.versionId);
    const beganMs = this.#clock.monotonicMs();
    counts.calls += 1;
    counts.change(1, beganMs);
    try {
      const invocation = await this.#inner.invoke(request);
      if (invocation.isCold) counts.coldCalls += 1;
      else counts.warmCalls += 1;
      counts.ranSeconds += invocation.ranMs / 1_000;
      const responseBytes = invocation.streamedBytes ?? invocation.body.byteLength;
      this.#log.add(request, { outcome: 'ok', message: undefined, facts: invocation, responseBytes });
      return invocation;
    } catch (error) {
      const outcome = codeOf(request, error);
      counts.failed.set(outcome, (counts.failed.get(outcome) ?? 0) + 1);
      const message = error instanceof Error ? error.message : undefined;
      const facts = error instanceof PlatformError ? error.facts : undefined;
      this.#log.add(request, { outcome, message, facts, responseBytes: undefined });
      throw error;
    } finally {
      const endedMs = this.#clock.monotonicMs();
      counts.ended += 1;
      counts.latencySeconds += (endedMs - beganMs) / 1_000;
      counts.change(-1, endedMs);
    }
  }

  of(versionId: string): CallCounts | undefined {
    return this.#counts.get(versionId);
  }

  /** Calls that were answered. */
  served(versionId: string): number {
    const counts = this.#counts.get(versionId);
    return counts ? counts.coldCalls + counts.warmCalls : 0;
  }

  /** Seconds that calls were waiting or running so far, those under way included. */
  inSystemSeconds(versionId: string): number {
    return this.#counts.get(versionId)?.inSystemSeconds(this.#clock.monotonicMs()) ?? 0;
  }

  /** Of a version that was deleted: its series end. */
  forget(versionId: string): void {
    this.#counts.delete(versionId);
  }

  #of(versionId: string): Counts {
    let counts = this.#counts.get(versionId);
    if (!counts) {
      counts = new Counts();
      this.#counts.set(versionId, counts);
    }
    return counts;
  }
}

function codeOf({ signal }: InvocationRequest, error: unknown): FailureCode {
  if (error instanceof PlatformError) return error.code;
  return signal?.aborted ? 'caller-gone' : 'unexpected';
}

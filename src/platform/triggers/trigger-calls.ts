import type { Logger } from 'pino';
import { errorText } from '../../lib/error-text.ts';
import type { Invocation, InvocationSource, Invoker } from '../model/invocation.ts';
import { PlatformError, type PlatformErrorCode } from '../model/platform-error.ts';
import type { Trigger } from '../model/trigger.ts';
import type { FireRequest, TriggerCounts } from '../model/triggers.ts';
import type { Registry } from '../registry/registry.ts';
import type { DeliveryEnd, QueueTrigger } from './queue-consumer.ts';
import type { ScheduleTrigger } from './schedule-runner.ts';

/** Beside the time-out of the function, twice: it may wait so long, and then run so long. */
const LEASE_MARGIN_MS = 5_000;

/** Refusals of the platform that have nothing to do with the message: they do not count as attempts. */
const REFUSALS: ReadonlySet<PlatformErrorCode> = new Set([
  'stopping',
  'overloaded',
  'queue-full',
  'wait-timeout',
  'memory-exhausted',
  'concurrency-zero',
  'not-active',
  'function-unknown',
  'version-unknown',
]);

class Counts implements TriggerCounts {
  fires = 0;
  readonly failures = new Map<string, number>();
  readonly skips = { overlap: 0, missed: 0 };
}

const NO_COUNTS: TriggerCounts = new Counts();

/** What became of the calls of each trigger, for the metrics. */
class FireCounter {
  readonly #counts = new Map<string, Counts>();

  of(triggerId: string): TriggerCounts {
    return this.#counts.get(triggerId) ?? NO_COUNTS;
  }

  countFire(triggerId: string): void {
    this.#counted(triggerId).fires += 1;
  }

  /** Of a call that was counted; not of one whose trigger has gone meanwhile. */
  countFailure(triggerId: string, code: string): void {
    const failures = this.#counts.get(triggerId)?.failures;
    failures?.set(code, (failures.get(code) ?? 0) + 1);
  }

  countSkip(triggerId: string, why: 'overlap' | 'missed'): void {
    this.#counted(triggerId).skips[why] += 1;
  }

  forget(triggerId: string): void {
    this.#counts.delete(triggerId);
  }

  #counted(triggerId: string): Counts {
    let counts = this.#counts.get(triggerId);
    if (!counts) {
      counts = new Counts();
      this.#counts.set(triggerId, counts);
    }
    return counts;
  }
}

export interface TriggerCallsOptions {
  readonly registry: Registry;
  readonly invoker: Invoker;
  readonly logger: Logger;
  /** Makes an instance ready for a call that comes soon, if none is. Left out: calls of schedules may be cold. */
  readonly warm?: ((versionId: string) => void) | undefined;
}

/** The calls that triggers make, counted. */
export class TriggerCalls {
  readonly counter = new FireCounter();
  readonly #options: TriggerCallsOptions;
  readonly #scheduled = new Set<Promise<void>>();

  constructor(options: TriggerCallsOptions) {
    this.#options = options;
  }

  /** How long a delivery may take. */
  leaseMs(trigger: QueueTrigger): number {
    if (trigger.settings.leaseMs !== undefined) return trigger.settings.leaseMs;
    const version = this.#options.registry.version(this.#versionIdOf(trigger) ?? '');
    return 2 * (version?.launch.timeoutMs ?? 0) + LEASE_MARGIN_MS;
  }

  /** Throws what the router throws, and `not-active`. */
  async call(trigger: Trigger, source: InvocationSource, request: FireRequest): Promise<Invocation> {
    const { triggerId } = trigger;
    this.counter.countFire(triggerId);
    try {
      const versionId = this.#versionIdOf(trigger);
      if (versionId === undefined) throw new PlatformError('not-active', 'the function has no active version');
      return await this.#options.invoker.invoke({ ...request, depth: request.depth ?? 0, versionId, source });
    } catch (error) {
      this.counter.countFailure(triggerId, codeOf(error, request.signal));
      throw error;
    }
  }

  makeReady(trigger: ScheduleTrigger): void {
    const versionId = this.#versionIdOf(trigger);
    if (versionId !== undefined) this.#options.warm?.(versionId);
  }

  /** Never rejects. A fire that failed is not tried again: the next one comes by itself. */
  async callOnSchedule(trigger: ScheduleTrigger, scheduledMs: number): Promise<void> {
    const call = this.call(trigger, 'schedule', { payload: eventOf(trigger, scheduledMs) }).then(
      () => {},
      (error: unknown) => {
        const { triggerId } = trigger;
        this.#options.logger.warn(
          { event: 'trigger.failed', trigger: triggerId, err: error },
          'a scheduled call failed',
        );
      },
    );
    this.#scheduled.add(call);
    await call;
    this.#scheduled.delete(call);
  }

  /** Never rejects. */
  async deliver(trigger: QueueTrigger, payload: Uint8Array, signal: AbortSignal): Promise<DeliveryEnd> {
    try {
      await this.call(trigger, 'queue', { payload, signal });
      return { kind: 'done' };
    } catch (error) {
      const isRefused = error instanceof PlatformError && REFUSALS.has(error.code);
      return { kind: isRefused ? 'refused' : 'failed', error: errorText(error) };
    }
  }

  /** Resolves when no scheduled call is under way. */
  async settled(): Promise<void> {
    await Promise.all(this.#scheduled);
  }

  /** Undefined: the function has no active version. */
  #versionIdOf({ functionId, versionId }: Trigger): string | undefined {
    return versionId ?? this.#options.registry.find(functionId)?.activeVersionId;
  }
}

function eventOf({ triggerId, settings }: ScheduleTrigger, scheduledMs: number): Buffer {
  const { cron, timeZone } = settings;
  const scheduledAt = new Date(scheduledMs).toISOString();
  return Buffer.from(
    JSON.stringify(settings.payload ?? { source: 'schedule', triggerId, cron, timeZone, scheduledAt }),
  );
}

function codeOf(error: unknown, signal: AbortSignal | undefined): string {
  if (error instanceof PlatformError) return error.code;
  return signal?.aborted ? 'cut-off' : 'unexpected';
}

import type { Logger } from 'pino';
import type { Clock } from '../lib/clock.ts';
import type { Meters } from '../telemetry/meters.ts';
import { withSpan } from '../telemetry/traces.ts';

export type Cause = 'start' | 'timer' | 'poke';

/** What anybody may see of a loop. */
export interface LoopStatus {
  readonly name: string;
  readonly purpose: string;
  readonly periodMs: number;
  readonly isRunning: boolean;
  readonly lastCause: Cause | undefined;
  readonly lastResult: 'ok' | 'failed' | undefined;
  readonly lastError: string | undefined;
  readonly lastStartedWallMs: number | undefined;
  readonly lastDurationMs: number | undefined;
  readonly activations: number;
  readonly failures: number;
  /** Activations that took longer than the period. */
  readonly overruns: number;
  /** Since the last sign of life: an activation that ended, a step of a long one, or the start. */
  readonly idleForMs: number;
  readonly isHung: boolean;
}

export interface LoopOptions {
  readonly name: string;
  readonly purpose: string;
  readonly periodMs: number;
  /** Without a sign of life for this long the loop counts as hung, and liveness fails. */
  readonly hungAfterMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly meters: Meters;
  readonly activate: (activation: Activation) => Promise<void>;
}

export interface Activation {
  readonly cause: Cause;
  readonly signal: AbortSignal;
  /** A long activation calls it after each step: slow neighbours are no reason to be restarted. */
  readonly stepDone: () => void;
}

/**
 * Runs one activation at a time, on a timer or when poked. A poke carries no news: the activation reads everything
 * afresh. Pokes and ticks that arrive while one runs become exactly one more; missed ticks never burst.
 */
export class Loop {
  readonly #options: LoopOptions;
  readonly #stopping = new AbortController();
  #cancelTimer: (() => void) | undefined;
  #running: Promise<void> | undefined;
  #isPoked = false;
  #nextDueMs = 0;
  #lastAliveMs: number;
  #lastCause: Cause | undefined;
  #lastResult: 'ok' | 'failed' | undefined;
  #lastError: string | undefined;
  #lastStartedWallMs: number | undefined;
  #lastDurationMs: number | undefined;
  #activations = 0;
  #failures = 0;
  #overruns = 0;

  constructor(options: LoopOptions) {
    this.#options = options;
    this.#lastAliveMs = options.clock.monotonicMs();
  }

  start(): void {
    if (this.#stopping.signal.aborted) return;
    this.#lastAliveMs = this.#options.clock.monotonicMs();
    this.#nextDueMs = this.#lastAliveMs + this.#options.periodMs;
    this.#run('start');
  }

  poke(): void {
    if (this.#stopping.signal.aborted) return;
    if (this.#running) this.#isPoked = true;
    else this.#run('poke');
  }

  /** Starts nothing new, asks the running activation to end, and waits for it. */
  async stop(): Promise<void> {
    this.#stopping.abort(new Error(`the ${this.#options.name} loop is stopping`));
    this.#cancelTimer?.();
    await this.#running;
  }

  status(): LoopStatus {
    const { name, purpose, periodMs, hungAfterMs, clock } = this.#options;
    const idleForMs = clock.monotonicMs() - this.#lastAliveMs;
    return {
      name,
      purpose,
      periodMs,
      isRunning: this.#running !== undefined,
      lastCause: this.#lastCause,
      lastResult: this.#lastResult,
      lastError: this.#lastError,
      lastStartedWallMs: this.#lastStartedWallMs,
      lastDurationMs: this.#lastDurationMs,
      activations: this.#activations,
      failures: this.#failures,
      overruns: this.#overruns,
      idleForMs,
      isHung: idleForMs > hungAfterMs,
    };
  }

  #run(cause: Cause): void {
    this.#cancelTimer?.();
    this.#running = this.#activate(cause).finally(() => {
      this.#running = undefined;
      this.#scheduleNext();
    });
  }

  async #activate(cause: Cause): Promise<void> {
    const { name, clock, logger, meters, periodMs, activate } = this.#options;
    const startedMs = clock.monotonicMs();
    this.#lastCause = cause;
    this.#lastStartedWallMs = clock.wallMs();
    try {
      await withSpan({ name: `run ${name}`, attributes: { 'starling.cause': cause } }, () =>
        activate({ cause, signal: this.#stopping.signal, stepDone: () => this.#stepDone() }),
      );
      meters.set('starling_loop_last_success_timestamp_seconds', clock.wallMs() / 1000, { loop: name });
      this.#lastResult = 'ok';
      this.#lastError = undefined;
    } catch (error) {
      if (this.#stopping.signal.aborted) return;
      this.#lastResult = 'failed';
      this.#lastError = error instanceof Error ? error.message : String(error);
      this.#failures += 1;
      logger.error({ event: 'loop.failed', loop: name, err: error }, `the ${name} loop failed and goes on`);
    } finally {
      const durationMs = clock.monotonicMs() - startedMs;
      this.#activations += 1;
      this.#lastDurationMs = durationMs;
      this.#stepDone();
      if (durationMs > periodMs) {
        this.#overruns += 1;
        meters.add('starling_loop_overruns_total', 1, { loop: name });
      }
      meters.record('starling_loop_duration_seconds', durationMs / 1000, {
        loop: name,
        result: this.#lastResult ?? 'failed',
      });
    }
  }

  #stepDone(): void {
    this.#lastAliveMs = this.#options.clock.monotonicMs();
  }

  #scheduleNext(): void {
    const { clock, periodMs } = this.#options;
    if (this.#stopping.signal.aborted) return;
    if (this.#isPoked) {
      this.#isPoked = false;
      this.#run('poke');
      return;
    }
    const nowMs = clock.monotonicMs();
    // The rhythm is kept; whatever was missed is skipped, not made up for.
    while (this.#nextDueMs <= nowMs) this.#nextDueMs += periodMs;
    this.#cancelTimer = clock.after(this.#nextDueMs - nowMs, () => this.#run('timer'));
  }
}

import { errorText } from '../lib/error-text.ts';
import { withSpan } from '../telemetry/traces.ts';
import type { MemberParts } from './member-parts.ts';

export type Cause = 'start' | 'timer' | 'poke';

/** What became of the activations so far. */
interface LoopRecord {
  lastCause: Cause | undefined;
  lastResult: 'ok' | 'failed' | undefined;
  lastError: string | undefined;
  lastStartedWallMs: number | undefined;
  lastDurationMs: number | undefined;
  activations: number;
  failures: number;
  /** Activations that took longer than the period. */
  overruns: number;
}

/** What anybody may see of a loop. */
export interface LoopStatus extends Readonly<LoopRecord>, Pick<LoopOptions, 'name' | 'purpose' | 'periodMs'> {
  readonly isRunning: boolean;
  /** Since the last sign of life: an activation that ended, a step of a long one, or the start. */
  readonly idleForMs: number;
  readonly isHung: boolean;
}

export interface LoopOptions extends Pick<MemberParts, 'clock' | 'logger' | 'meters'> {
  readonly name: string;
  readonly purpose: string;
  readonly periodMs: number;
  /** Without a sign of life for this long the loop counts as hung, and liveness fails. */
  readonly hungAfterMs: number;
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
  readonly #record: LoopRecord = {
    lastCause: undefined,
    lastResult: undefined,
    lastError: undefined,
    lastStartedWallMs: undefined,
    lastDurationMs: undefined,
    activations: 0,
    failures: 0,
    overruns: 0,
  };

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
      ...this.#record,
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
    this.#record.lastCause = cause;
    this.#record.lastStartedWallMs = clock.wallMs();
    try {
      await withSpan({ name: `run ${name}`, attributes: { 'starling.cause': cause } }, () =>
        activate({ cause, signal: this.#stopping.signal, stepDone: () => this.#stepDone() }),
      );
      meters.set('starling_loop_last_success_timestamp_seconds', clock.wallMs() / 1000, { loop: name });
      this.#record.lastResult = 'ok';
      this.#record.lastError = undefined;
    } catch (error) {
      if (this.#stopping.signal.aborted) return;
      this.#record.lastResult = 'failed';
      this.#record.lastError = errorText(error);
      this.#record.failures += 1;
      logger.error({ event: 'loop.failed', loop: name, err: error }, `the ${name} loop failed and goes on`);
    } finally {
      const durationMs = clock.monotonicMs() - startedMs;
      this.#record.activations += 1;
      this.#record.lastDurationMs = durationMs;
      this.#stepDone();
      if (durationMs > periodMs) {
        this.#record.overruns += 1;
        meters.add('starling_loop_overruns_total', 1, { loop: name });
      }
      meters.record('starling_loop_duration_seconds', durationMs / 1000, {
        loop: name,
        result: this.#record.lastResult ?? 'failed',
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

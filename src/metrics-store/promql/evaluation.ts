import type { Clock } from '../../lib/clock.ts';
import { EventLoopYielder } from '../../lib/event-loop-yielder.ts';
import type { SampleStore } from '../storage/sample-store.ts';
import { showDuration } from './duration.ts';
import { QueryError } from './query-error.ts';

/** Look at the clock once in so many steps: that is a thousandth of a second or so. */
const STEPS_BETWEEN_LOOKS = 20_000;
/** A value and its flag for each series and step: 5 million of them take 45 MB. */
const CELLS_MAX = 5_000_000;

export interface EvaluationOptions {
  readonly store: SampleStore;
  readonly clock: Clock;
  /** On the monotonic clock. */
  readonly deadlineMs: number;
  readonly timeoutMs: number;
  /** Aborted when the caller is gone. */
  readonly signal?: AbortSignal | undefined;
  readonly lookbackMs: number;
  readonly startMs: number;
  readonly endMs: number;
  readonly stepMs: number;
}

/** One query on its way: the moments it asks for, and what it may use up. */
export class Evaluation {
  readonly store: SampleStore;
  readonly startMs: number;
  readonly endMs: number;
  readonly stepMs: number;
  readonly steps: number;
  readonly lookbackMs: number;
  readonly #options: EvaluationOptions;
  readonly #yielder: EventLoopYielder;
  /** Whether scrapes and other callers have waited long enough for `yield`; `spend` looks. */
  isYieldDue = false;
  #work = 0;
  #cells = 0;

  constructor(options: EvaluationOptions) {
    this.#options = options;
    this.#yielder = new EventLoopYielder(options.clock);
    this.store = options.store;
    this.startMs = options.startMs;
    this.endMs = options.endMs;
    this.stepMs = options.stepMs;
    this.lookbackMs = options.lookbackMs;
    this.steps = Math.floor((options.endMs - options.startMs) / options.stepMs) + 1;
  }

  timeMs(step: number): number {
    return this.startMs + step * this.stepMs;
  }

  /** Throws when the time is up. To be called along the way with how much was done. */
  spend(work: number): void {
    this.#work += work;
    if (this.#work < STEPS_BETWEEN_LOOKS) return;
    this.#work = 0;
    this.isYieldDue = this.#yielder.isDue();
    this.#refuseLate();
  }

  /** Lets other work run. Throws when the time is up, or when the caller has gone. */
  async yield(): Promise<void> {
    await this.#yielder.yield();
    this.isYieldDue = false;
    if (this.#options.signal?.aborted) throw new QueryError('canceled', 'query was canceled: the caller is gone');
    this.#refuseLate();
  }

  #refuseLate(): void {
    const { clock, deadlineMs, timeoutMs } = this.#options;
    if (clock.monotonicMs() > deadlineMs) {
      throw new QueryError('timeout', `query timed out in expression evaluation after ${showDuration(timeoutMs)}`);
    }
  }

  /** Throws when so many more values would be too much at a time. */
  reserve(rows: number): void {
    this.#cells += rows * this.steps;
    if (this.#cells > CELLS_MAX) {
      throw new QueryError(
        'execution',
        `query processing would load too many samples into memory in query execution (more than ${CELLS_MAX}); ask for fewer series or steps`,
      );
    }
    this.spend(rows * this.steps);
  }
}

import type { Clock } from '../../lib/clock.ts';
import { withDeadline } from '../../lib/deadline.ts';
import { errorText } from '../../lib/error-text.ts';
import { type Area, type Finding, makeFinding } from './finding.ts';

/** No check of a healthy system takes this long. */
const CHECK_MS = 15_000;

export interface CheckResult {
  readonly state?: Finding['state'];
  readonly detail: string;
  readonly mend?: string | undefined;
}

export interface ExaminationOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly onFinding: (finding: Finding) => void;
  readonly onBegin: (area: string, what: string) => void;
}

/** Runs checks one after the other; each has a deadline and ends in a finding, also when it fails. */
export class Examination {
  readonly #options: ExaminationOptions;

  constructor(options: ExaminationOptions) {
    this.#options = options;
  }

  find(found: Parameters<typeof makeFinding>[0]): void {
    // After Ctrl-C nothing more is printed.
    this.#options.signal.throwIfAborted();
    this.#options.onFinding(makeFinding(found));
  }

  /** Gives the value of the check, or undefined when it failed; then `mendOf` says what to do. */
  async check<T>(
    { area, what, mendOf }: { area: Area; what: string; mendOf: (error: unknown) => string },
    work: (signal: AbortSignal) => Promise<T>,
    resultOf: (value: T) => CheckResult,
  ): Promise<T | undefined> {
    const { clock, signal, onBegin } = this.#options;
    onBegin(area, what);
    try {
      const value = await withDeadline({ clock, what: `the check "${what}"`, afterMs: CHECK_MS, signal }, work);
      this.find({ area, what, state: 'good', ...resultOf(value) });
      return value;
    } catch (error) {
      const detail = errorText(error);
      this.find({ area, what, state: 'bad', detail, mend: mendOf(error) });
      return undefined;
    }
  }
}

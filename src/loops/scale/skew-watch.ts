import type { Logger } from 'pino';
import { numberFact, type Reason } from '../../domain/reason.ts';
import type { Clock } from '../../lib/clock.ts';
import type { SignalReader } from '../../ports/signal-reader.ts';
import type { Meters } from '../../telemetry/meters.ts';

export interface SkewWatchOptions {
  readonly reader: SignalReader;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly meters: Meters;
  readonly allowedMs: number;
  readonly checkEveryMs: number;
}

/** Ownership needs no common clock, but query times are ours: with clocks apart the answers would be of another time. */
export class SkewWatch {
  readonly #options: SkewWatchOptions;
  #last: { readonly skewMs: number; readonly checkedMs: number } | undefined;

  constructor(options: SkewWatchOptions) {
    this.#options = options;
  }

  async check(signal: AbortSignal): Promise<void> {
    const { reader, clock, checkEveryMs, meters, logger } = this.#options;
    const nowMs = clock.monotonicMs();
    if (this.#last && nowMs - this.#last.checkedMs < checkEveryMs) return;
    try {
      const { skewMs } = await reader.probe({ signal });
      this.#last = { skewMs, checkedMs: nowMs };
      meters.set('starling_clock_skew_seconds', skewMs / 1000, { peer: 'timeseries' });
    } catch (error) {
      logger.debug({ event: 'clock.unchecked', err: error }, 'the time-series store did not tell its time');
    }
  }

  /** A wall clock that was set is measured anew. */
  forget(): void {
    this.#last = undefined;
  }

  hindrance(): Reason | undefined {
    const { allowedMs } = this.#options;
    return this.#last && skewHindrance(this.#last.skewMs, allowedMs);
  }
}

/** Why nothing is decided while the clocks are this far apart; undefined while they are near enough. */
export function skewHindrance(skewMs: number, allowedMs: number): Reason | undefined {
  if (Math.abs(skewMs) <= allowedMs) return undefined;
  return { code: 'clock-skew', facts: { skewSeconds: numberFact(skewMs / 1000), allowedSeconds: allowedMs / 1000 } };
}

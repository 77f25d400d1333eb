import { numberFact, type Reason } from '../../domain/reason.ts';
import type { MemberParts } from '../member-parts.ts';

/** Named as in the configuration, where it is explained. */
export interface ClockSkewSettings {
  readonly timeseries: { readonly clockSkewMaxMs: number };
}

export interface ClockSkewOptions extends Pick<MemberParts, 'reader' | 'clock' | 'logger' | 'meters'> {
  readonly settings: ClockSkewSettings;
}

const CHECK_EVERY_MS = 60_000;

/** Ownership needs no common clock, but query times are ours: with clocks apart the answers would be of another time. */
export class ClockSkew {
  readonly #options: ClockSkewOptions;
  #last: { readonly skewMs: number; readonly checkedMs: number } | undefined;

  constructor(options: ClockSkewOptions) {
    this.#options = options;
  }

  async check(signal: AbortSignal): Promise<void> {
    const { reader, clock, meters, logger } = this.#options;
    const nowMs = clock.monotonicMs();
    if (this.#last && nowMs - this.#last.checkedMs < CHECK_EVERY_MS) return;
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

  blockedBy(): Reason | undefined {
    return this.#last && skewReason(this.#last.skewMs, this.#options.settings);
  }
}

/** Why nothing is decided while the clocks are this far apart; undefined while they are near enough. */
export function skewReason(skewMs: number, { timeseries }: ClockSkewSettings): Reason | undefined {
  const allowedMs = timeseries.clockSkewMaxMs;
  if (Math.abs(skewMs) <= allowedMs) return undefined;
  return { code: 'clock-skew', facts: { skewSeconds: numberFact(skewMs / 1000), allowedSeconds: allowedMs / 1000 } };
}

import { BREAKER_NUMBER, Breaker, BreakerOpen, type BreakerState } from '../../lib/breaker.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Random } from '../../lib/random.ts';
import { NotAdmitted } from '../../ports/actuator.ts';
import { type Meters, silentMeters } from '../../telemetry/meters.ts';
import { SharedRate } from './shared-rate.ts';
import type { WishResult } from './wish-sender.ts';

export interface WishGateOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly meters?: Meters | undefined;
  /** Of the whole fleet. */
  readonly ratePerSecond?: number | undefined;
  readonly burst?: number | undefined;
  readonly raiseShare?: number | undefined;
  readonly breaker?: { readonly failures: number; readonly openForMs: number } | undefined;
}

/** One probe is admitted at a time; one that never came back counts as over after this. */
const PROBE_OVER_MS = 5_000;

/** What every wish passes before it may be sent: the fleet's rate, and a breaker that spares a failing control plane. */
export class WishGate {
  readonly #clock: Clock;
  readonly #meters: Meters;
  readonly #rate: SharedRate;
  readonly #breaker: Breaker<WishResult>;
  #probeUntilMs = Number.NEGATIVE_INFINITY;

  constructor(options: WishGateOptions) {
    const { clock, random, meters = silentMeters } = options;
    this.#clock = clock;
    this.#meters = meters;
    this.#rate = new SharedRate({
      clock,
      ratePerSecond: options.ratePerSecond ?? 500,
      burst: options.burst ?? 1_000,
      raiseShare: options.raiseShare ?? 0.5,
      onRate: (ratePerSecond) => meters.set('starling_control_plane_rate_per_second', ratePerSecond),
    });
    this.#breaker = new Breaker({
      clock,
      random,
      failures: options.breaker?.failures ?? 10,
      openForMs: options.breaker?.openForMs ?? 5_000,
      ofResult: ({ isOutage }) => (isOutage ? 'ill' : 'well'),
      // Work of a wish does not throw; what does is a fault of ours.
      ofError: () => 'unknown',
      onChange: (state) => meters.set('starling_breaker_state', BREAKER_NUMBER[state], { dependency: 'control-plane' }),
    });
  }

  get breakerState(): BreakerState {
    return this.#breaker.state;
  }

  /** The rate is the fleet's: each live member takes its share. */
  setLiveMembers(count: number): void {
    this.#rate.setLiveMembers(count);
  }

  msPaused(): number {
    return this.#rate.msPaused();
  }

  ratePerSecond(): number {
    return this.#rate.ratePerSecond();
  }

  async admit(signal?: AbortSignal, verdict?: 'raise' | 'lower'): Promise<void> {
    signal?.throwIfAborted();
    const waitMs = this.#breaker.msUntilNext();
    if (waitMs > 0) throw new NotAdmitted(`the control plane: ${new BreakerOpen(waitMs).message}`, waitMs);
    if (this.#breaker.state === 'open') this.#admitProbe();
    await this.#rate.admit(signal, verdict === 'raise');
  }

  /** Runs the work; while the breaker is open gives what `turnedAway` makes of it instead. */
  async run(
    work: () => Promise<WishResult>,
    turnedAway: (refusal: { readonly message: string; readonly retryAfterMs: number }) => WishResult,
  ): Promise<WishResult> {
    try {
      const sent = await this.#breaker.run(work);
      this.#probeUntilMs = Number.NEGATIVE_INFINITY;
      if (sent.complaintMs !== undefined) {
        this.#meters.add('starling_control_plane_throttled_total', 1);
        this.#rate.complain(sent.complaintMs);
      }
      return sent;
    } catch (error) {
      if (!(error instanceof BreakerOpen)) throw error;
      return turnedAway(error);
    }
  }

  /** After an outage one wish finds out whether it is over; claiming for more would be claiming in vain. */
  #admitProbe(): void {
    const nowMs = this.#clock.monotonicMs();
    const leftMs = this.#probeUntilMs - nowMs;
    if (leftMs > 0) throw new NotAdmitted('the control plane: one wish is finding out whether it works again', leftMs);
    this.#probeUntilMs = nowMs + PROBE_OVER_MS;
  }
}

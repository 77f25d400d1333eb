import type { Clock } from '../../lib/clock.ts';
import { TokenBucket } from '../../lib/token-bucket.ts';
import { NotAdmitted } from '../../ports/actuator.ts';

export interface SharedRateOptions {
  readonly clock: Clock;
  /** Of the whole fleet; each live member takes its share. */
  readonly ratePerSecond: number;
  readonly burst: number;
  /** Share of the rate that only raises may use; at most nine tenths, so that lowerings end. */
  readonly raiseShare: number;
  readonly onRate?: (ratePerSecond: number) => void;
}

interface Waiting {
  readonly isRaise: boolean;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Answers to requests that were under way together are one complaint. */
const SAME_COMPLAINT_MS = 1_000;
/** A wish that would have to wait longer for the end of a pause is turned away. */
const PAUSE_WAIT_MAX_MS = 5_000;
const SMALLEST_FACTOR = 1 / 64;
/** After a complaint the rate doubles back in this time. */
const RECOVER_MS = 10_000;

/** Wishes a second, shared by the fleet and split in two: raises are never stuck behind lowerings. */
export class SharedRate {
  readonly #options: SharedRateOptions;
  readonly #forRaises: TokenBucket;
  readonly #forAll: TokenBucket;
  readonly #waiting: Waiting[] = [];
  #membersLive = 1;
  #pausedUntilMs = Number.NEGATIVE_INFINITY;
  #complaintMs = Number.NEGATIVE_INFINITY;
  #factorThen = 1;
  #cancelTimer: (() => void) | undefined;

  constructor(options: SharedRateOptions) {
    const raiseShare = Math.min(0.9, Math.max(0, options.raiseShare));
    this.#options = { ...options, raiseShare };
    const { clock, ratePerSecond, burst } = options;
    const bucketOf = (share: number) =>
      new TokenBucket({ clock, ratePerSecond: ratePerSecond * share, burst: burst * share });
    this.#forRaises = bucketOf(raiseShare);
    this.#forAll = bucketOf(1 - raiseShare);
    this.#spread();
  }

  setLiveMembers(count: number): void {
    const live = Math.max(1, Math.floor(count));
    if (live === this.#membersLive) return;
    this.#membersLive = live;
    this.#spread();
    this.#serve();
  }

  /** The other side complained: nothing for `pauseMs`, then at half the rate, recovering. */
  complain(pauseMs: number): void {
    const nowMs = this.#options.clock.monotonicMs();
    this.#pausedUntilMs = Math.max(this.#pausedUntilMs, nowMs + pauseMs);
    if (nowMs - this.#complaintMs >= SAME_COMPLAINT_MS) {
      this.#factorThen = Math.max(SMALLEST_FACTOR, this.#factor() / 2);
      this.#complaintMs = nowMs;
    }
    this.#spread();
    this.#serve();
  }

  /** What is left of the pause that was asked for. */
  msPaused(): number {
    return Math.max(0, this.#pausedUntilMs - this.#options.clock.monotonicMs());
  }

  ratePerSecond(): number {
    return (this.#options.ratePerSecond / this.#membersLive) * this.#factor();
  }

  admit(signal: AbortSignal | undefined, isRaise: boolean): Promise<void> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    const refusal = this.#refusal();
    if (refusal) return Promise.reject(refusal);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiting: Waiting = { isRaise, resolve, reject };
    this.#waiting.push(waiting);
    const onAbort = () => {
      const index = this.#waiting.indexOf(waiting);
      if (index >= 0) this.#waiting.splice(index, 1);
      reject(signal?.reason);
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    this.#serve();
    return promise.finally(() => signal?.removeEventListener('abort', onAbort));
  }

  #serve(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    const pausedMs = this.msPaused();
    const refusal = this.#refusal();
    if (refusal) for (const { reject } of this.#waiting.splice(0)) reject(refusal);
    if (pausedMs === 0) {
      this.#spread();
      // Raises first; each kind in the order it came.
      this.#take(true);
      this.#take(false);
    }
    if (this.#waiting.length === 0) return;
    const ofRaises = this.#waiting.some(({ isRaise }) => isRaise)
      ? this.#forRaises.msUntilNext()
      : Number.POSITIVE_INFINITY;
    const waitMs = Math.max(pausedMs, Math.min(ofRaises, this.#forAll.msUntilNext()), 1);
    // A rate of nothing may change: look again.
    this.#cancelTimer = this.#options.clock.after(Math.min(waitMs, 1_000), () => this.#serve());
  }

  #take(isRaise: boolean): void {
    for (let index = 0; index < this.#waiting.length; ) {
      const waiting = this.#waiting[index];
      if (waiting?.isRaise !== isRaise) {
        index += 1;
        continue;
      }
      if (!((isRaise && this.#forRaises.tryTake()) || this.#forAll.tryTake())) return;
      this.#waiting.splice(index, 1);
      waiting.resolve();
    }
  }

  #refusal(): NotAdmitted | undefined {
    const pausedMs = this.msPaused();
    if (pausedMs <= PAUSE_WAIT_MAX_MS) return undefined;
    return new NotAdmitted(`the control plane asked for a pause of ${Math.ceil(pausedMs)} ms`, pausedMs);
  }

  #factor(): number {
    const sinceMs = this.#options.clock.monotonicMs() - this.#complaintMs;
    return sinceMs === Number.POSITIVE_INFINITY ? 1 : Math.min(1, this.#factorThen * 2 ** (sinceMs / RECOVER_MS));
  }

  #spread(): void {
    const { burst, raiseShare, onRate } = this.#options;
    const ratePerSecond = this.ratePerSecond();
    const burstHere = (burst / this.#membersLive) * this.#factor();
    this.#forRaises.setRate({ ratePerSecond: ratePerSecond * raiseShare, burst: burstHere * raiseShare });
    this.#forAll.setRate({ ratePerSecond: ratePerSecond * (1 - raiseShare), burst: burstHere * (1 - raiseShare) });
    onRate?.(ratePerSecond);
  }
}

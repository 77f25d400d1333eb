import { type Actuation, actuation, type Wish } from '../../domain/actuation.ts';
import type { FunctionVersion } from '../../domain/function-version.ts';
import type { Clock } from '../../lib/clock.ts';
import { DeadlineExceeded, withDeadline } from '../../lib/deadline.ts';
import { errorText } from '../../lib/error-text.ts';
import { scrubLine } from '../../lib/scrub.ts';
import type { Actuator, FencingStrength } from '../../ports/actuator.ts';
import { type Meters, silentMeters } from '../../telemetry/meters.ts';
import { WishGate, type WishGateOptions } from './wish-gate.ts';
import { type WishAttempt, type WishResult, type WishSender, wishResult } from './wish-sender.ts';

export interface GatedActuatorOptions extends WishGateOptions {
  readonly sender: WishSender;
  /** One wish, everything included. */
  readonly timeoutMs?: number | undefined;
  readonly isDryRun?: boolean | undefined;
  /** Function ids or version ids for which nothing is sent. */
  readonly dryRunIds?: readonly string[] | undefined;
}

/** Puts wishes to a control plane, whatever its wire format: within the fleet's rate, behind a breaker, up to a deadline. */
export class GatedActuator implements Actuator {
  readonly strength: FencingStrength;
  readonly #sender: WishSender;
  readonly #clock: Clock;
  readonly #meters: Meters;
  readonly #timeoutMs: number;
  readonly #gate: WishGate;
  readonly #isDryRun: boolean;
  readonly #dryRunIds: ReadonlySet<string>;
  #inFlight = 0;
  #lastSuccessWallMs: number | undefined;
  #lastErrorWallMs: number | undefined;
  #lastError = '';

  constructor(options: GatedActuatorOptions) {
    this.strength = options.sender.strength;
    this.#sender = options.sender;
    this.#clock = options.clock;
    this.#meters = options.meters ?? silentMeters;
    this.#timeoutMs = options.timeoutMs ?? 2_500;
    this.#gate = new WishGate(options);
    this.#isDryRun = options.isDryRun ?? false;
    this.#dryRunIds = new Set(options.dryRunIds);
  }

  /** The rate is the fleet's: each live member takes its share. */
  setLiveMembers(count: number): void {
    this.#gate.setLiveMembers(count);
  }

  isDryRun({ functionId, versionId }: FunctionVersion): boolean {
    return this.#isDryRun || this.#dryRunIds.has(functionId) || this.#dryRunIds.has(versionId);
  }

  admit(signal?: AbortSignal, verdict?: 'raise' | 'lower'): Promise<void> {
    return this.#gate.admit(signal, verdict);
  }

  async actuate(
    wish: Wish,
    { deadlineMs, signal }: { deadlineMs: number; signal?: AbortSignal | undefined },
  ): Promise<Actuation> {
    if (this.isDryRun(wish)) return actuation('dry-run', `not sent: would ask for ${wish.wanted}`);
    const leftMs = Math.min(this.#timeoutMs, deadlineMs - this.#clock.monotonicMs());
    if (leftMs <= 0) return actuation('failed', 'not sent: its deadline had passed');
    const prepared = this.#sender.prepare(wish);
    if (typeof prepared !== 'function') return prepared;
    let isTurnedAway = false;
    const result = await this.#gate.run(
      () => this.#send(prepared, { leftMs, signal }),
      ({ message, retryAfterMs }) => {
        isTurnedAway = true;
        return wishResult(actuation('failed', `not sent: ${message}`, { retryAfterMs }));
      },
    );
    if (!isTurnedAway) this.#note(result);
    return result.actuation;
  }

  status() {
    return {
      breaker: this.#gate.breakerState,
      lastSuccessWallMs: this.#lastSuccessWallMs,
      lastErrorWallMs: this.#lastErrorWallMs,
      lastError: this.#lastError,
      /** What is left of the pause that the control plane asked for. */
      pausedMs: this.#gate.msPaused(),
      ratePerSecond: this.#gate.ratePerSecond(),
      wishesInFlight: this.#inFlight,
      isDryRun: this.#isDryRun,
    };
  }

  async #send(
    send: (attempt: WishAttempt) => Promise<WishResult>,
    { leftMs, signal }: { leftMs: number; signal: AbortSignal | undefined },
  ): Promise<WishResult> {
    const clock = this.#clock;
    const endMs = clock.monotonicMs() + leftMs;
    let isAsked = false;
    const onAsk = () => {
      // A process that stood still wakes up here before its timers do.
      if (clock.monotonicMs() >= endMs) throw new DeadlineExceeded('the wish', leftMs);
      isAsked = true;
    };
    let attempt: WishAttempt | undefined;
    this.#countInFlight(1);
    try {
      return await withDeadline({ clock, what: 'the wish', afterMs: leftMs, signal }, (ending) => {
        const begun: WishAttempt = {
          signal: ending,
          mayHaveArrived: false,
          onAsk,
          onSend: () => {
            onAsk();
            begun.mayHaveArrived = true;
          },
        };
        attempt = begun;
        return send(begun);
      });
    } catch (error) {
      const why = scrubLine(errorText(error));
      const mayHaveArrived = attempt?.mayHaveArrived ?? false;
      return wishResult(
        actuation(mayHaveArrived ? 'unknown' : 'failed', `${mayHaveArrived ? 'no answer' : 'not sent'}: ${why}`),
        { isOutage: isAsked && !signal?.aborted },
      );
    } finally {
      this.#countInFlight(-1);
    }
  }

  #note({ actuation: { outcome, detail }, isOutage, complaintMs }: WishResult): void {
    const isSuccess = outcome === 'applied' || outcome === 'already-so';
    if (isSuccess) this.#lastSuccessWallMs = this.#clock.wallMs();
    else if (isOutage || complaintMs !== undefined || outcome === 'failed' || outcome === 'unknown') {
      this.#lastErrorWallMs = this.#clock.wallMs();
      this.#lastError = detail;
    }
  }

  #countInFlight(by: number): void {
    this.#inFlight += by;
    this.#meters.set('starling_control_plane_wishes_in_flight', this.#inFlight);
  }
}

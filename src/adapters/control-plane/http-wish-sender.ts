import { FENCING_TOKEN_HEADER, formatToken, IDEMPOTENCY_KEY_HEADER, idempotencyKey } from '../../contract/fencing.ts';
import { isAddressable, predictionPath } from '../../contract/paths.ts';
import { buildPredictionBody } from '../../contract/prediction.ts';
import { type Actuation, actuation, type Wish } from '../../domain/actuation.ts';
import type { FunctionVersion } from '../../domain/function-version.ts';
import type { BreakerState } from '../../lib/breaker.ts';
import { type Clock, sleep } from '../../lib/clock.ts';
import { DeadlineExceeded, withDeadline } from '../../lib/deadline.ts';
import type { Random } from '../../lib/random.ts';
import { scrubLine } from '../../lib/scrub.ts';
import type { Actuator, FencingStrength } from '../../ports/actuator.ts';
import { type Meters, silentMeters } from '../../telemetry/meters.ts';
import type { CredentialStatus } from '../wire/auth.ts';
import type { Answer, NoAnswer } from '../wire/exchange.ts';
import { WishGate } from '../wishes/wish-gate.ts';
import { type Reading, readAnswer, readNoAnswer } from './actuation-of-answer.ts';
import type { ControlPlaneConnection } from './connection.ts';

export interface HttpActuatorOptions {
  readonly connection: ControlPlaneConnection;
  readonly clock: Clock;
  readonly random: Random;
  readonly meters?: Meters | undefined;
  /** `plain` for a control plane that ignores tokens. */
  readonly strength?: Extract<FencingStrength, 'fenced' | 'plain'> | undefined;
  /** One wish, everything included. */
  readonly timeoutMs?: number | undefined;
  readonly responseMaxBytes?: number | undefined;
  /** Of the whole fleet. */
  readonly ratePerSecond?: number | undefined;
  readonly burst?: number | undefined;
  readonly raiseShare?: number | undefined;
  readonly pauseWaitMaxMs?: number | undefined;
  readonly breaker?: { readonly failures: number; readonly openForMs: number } | undefined;
  readonly isDryRun?: boolean | undefined;
  /** Function ids or version ids for which nothing is sent. */
  readonly dryRunIds?: readonly string[] | undefined;
}

export interface HttpActuatorStatus {
  readonly url: string;
  readonly breaker: BreakerState;
  readonly lastSuccessWallMs: number | undefined;
  readonly lastErrorWallMs: number | undefined;
  readonly lastError: string;
  /** What is left of the pause that the control plane asked for. */
  readonly pausedMs: number;
  readonly ratePerSecond: number;
  readonly wishesInFlight: number;
  readonly isDryRun: boolean;
  readonly credential: CredentialStatus;
}

/** Puts wishes to a control plane over HTTP, each under its fencing token. */
export class HttpActuator implements Actuator {
  readonly strength: 'fenced' | 'plain';
  readonly #connection: ControlPlaneConnection;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #meters: Meters;
  readonly #timeoutMs: number;
  readonly #responseMaxBytes: number;
  readonly #gate: WishGate;
  readonly #isDryRun: boolean;
  readonly #dryRunIds: ReadonlySet<string>;
  #inFlight = 0;
  #lastSuccessWallMs: number | undefined;
  #lastErrorWallMs: number | undefined;
  #lastError = '';

  constructor(options: HttpActuatorOptions) {
    const { clock, random, meters = silentMeters } = options;
    this.strength = options.strength ?? 'fenced';
    this.#connection = options.connection;
    this.#clock = clock;
    this.#random = random;
    this.#meters = meters;
    this.#timeoutMs = options.timeoutMs ?? 2_500;
    this.#responseMaxBytes = options.responseMaxBytes ?? 64 * 1024;
    this.#isDryRun = options.isDryRun ?? false;
    this.#dryRunIds = new Set(options.dryRunIds);
    this.#gate = new WishGate({ ...options, meters });
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
    const unfit = [wish.account, wish.functionId, wish.versionId].find((id) => !isAddressable(id));
    if (unfit !== undefined) {
      return actuation('refused', `not sent: no URL can carry the id ${scrubLine(JSON.stringify(unfit), 60)}`);
    }
    const leftMs = Math.min(this.#timeoutMs, deadlineMs - this.#clock.monotonicMs());
    if (leftMs <= 0) return actuation('failed', 'not sent: its deadline had passed');
    let isTurnedAway = false;
    const reading = await this.#gate.run(
      () => this.#send(wish, { leftMs, signal }),
      ({ message, retryAfterMs }): Reading => {
        isTurnedAway = true;
        return {
          actuation: actuation('failed', `not sent: ${message}`, { retryAfterMs }),
          isOutage: false,
          complaintMs: undefined,
        };
      },
    );
    if (!isTurnedAway) this.#note(reading);
    return reading.actuation;
  }

  status(): HttpActuatorStatus {
    return {
      url: this.#connection.url,
      breaker: this.#gate.breakerState,
      lastSuccessWallMs: this.#lastSuccessWallMs,
      lastErrorWallMs: this.#lastErrorWallMs,
      lastError: this.#lastError,
      pausedMs: this.#gate.msPaused(),
      ratePerSecond: this.#gate.ratePerSecond(),
      wishesInFlight: this.#inFlight,
      isDryRun: this.#isDryRun,
      credential: this.#connection.credentialStatus(),
    };
  }

  async #send(wish: Wish, { leftMs, signal }: { leftMs: number; signal: AbortSignal | undefined }): Promise<Reading> {
    let isSent = false;
    const endMs = this.#clock.monotonicMs() + leftMs;
    const onSend = () => {
      // A process that stood still wakes up here before its timers do.
      if (this.#clock.monotonicMs() >= endMs) throw new DeadlineExceeded('the wish', leftMs);
      isSent = true;
    };
    this.#countInFlight(1);
    try {
      const result = await withDeadline({ clock: this.#clock, what: 'the wish', afterMs: leftMs, signal }, (ending) =>
        this.#put(wish, ending, onSend),
      );
      return result.kind === 'answer' ? readAnswer(result, this.#clock.wallMs()) : readNoAnswer(result);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      return {
        actuation: actuation(isSent ? 'unknown' : 'failed', `${isSent ? 'no answer' : 'not sent'}: ${scrubLine(why)}`),
        isOutage: isSent && !signal?.aborted,
        complaintMs: undefined,
      };
    } finally {
      this.#countInFlight(-1);
    }
  }

  /**
   * Sent once; once more when it provably never arrived, or when the connection broke and the token makes the repetition
   * harmless. Never after silence: whoever does not answer once has time for one answer less.
   */
  async #put(wish: Wish, ending: AbortSignal, onSend: () => void): Promise<Answer | NoAnswer> {
    const request = {
      call: 'prediction',
      method: 'PUT',
      path: predictionPath(wish),
      headers: {
        [FENCING_TOKEN_HEADER]: formatToken(wish.token),
        [IDEMPOTENCY_KEY_HEADER]: idempotencyKey(wish.versionId, wish.token),
      },
      body: buildPredictionBody(wish),
      responseMaxBytes: this.#responseMaxBytes,
      signal: ending,
      onSend,
    } as const;
    const first = await this.#connection.request(request);
    const isRepeatable =
      first.kind === 'no-answer' &&
      (first.cause === 'refused' || (first.cause === 'reset' && this.strength === 'fenced'));
    if (!isRepeatable) return first;
    await sleep(this.#clock, 20 + this.#random.next() * 80, ending);
    const second = await this.#connection.request(request);
    // The first may have arrived even when the second did not.
    if (second.kind === 'no-answer' && first.mayHaveArrived) return { ...second, mayHaveArrived: true };
    return second;
  }

  #note({ actuation: { outcome, detail }, isOutage, complaintMs }: Reading): void {
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

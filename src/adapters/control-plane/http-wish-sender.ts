import { FENCING_TOKEN_HEADER, formatToken, IDEMPOTENCY_KEY_HEADER, idempotencyKey } from '../../contract/fencing.ts';
import { isAddressable, predictionPath } from '../../contract/paths.ts';
import { buildPredictionBody } from '../../contract/prediction.ts';
import { type Actuation, actuation, type Wish } from '../../domain/actuation.ts';
import { type Clock, sleep } from '../../lib/clock.ts';
import type { Random } from '../../lib/random.ts';
import { scrubLine } from '../../lib/scrub.ts';
import type { FencingStrength } from '../../ports/actuator.ts';
import type { JsonAnswer } from '../wire/exchange.ts';
import type { Outcome } from '../wire/outcome.ts';
import type { WishAttempt, WishResult, WishSender } from '../wishes/wish-sender.ts';
import type { ControlPlaneConnection } from './connection.ts';
import { resultOf } from './wish-result.ts';

export interface HttpWishSenderOptions {
  readonly connection: ControlPlaneConnection;
  readonly clock: Clock;
  readonly random: Random;
  /** `plain` for a control plane that ignores tokens. */
  readonly strength?: Extract<FencingStrength, 'fenced' | 'plain'> | undefined;
  readonly responseMaxBytes?: number | undefined;
}

/** Wishes over HTTP, each under its fencing token. */
export class HttpWishSender implements WishSender {
  readonly strength: 'fenced' | 'plain';
  readonly #options: HttpWishSenderOptions;

  constructor(options: HttpWishSenderOptions) {
    this.strength = options.strength ?? 'fenced';
    this.#options = options;
  }

  prepare(wish: Wish): Actuation | ((attempt: WishAttempt) => Promise<WishResult>) {
    const unfit = [wish.account, wish.functionId, wish.versionId].find((id) => !isAddressable(id));
    if (unfit !== undefined) {
      return actuation('refused', `not sent: no URL can carry the id ${scrubLine(JSON.stringify(unfit), 60)}`);
    }
    return async (attempt) => resultOf(await this.#put(wish, attempt));
  }

  /**
   * Sent once; once more when it provably never arrived, or when the connection broke and the token makes the repetition
   * harmless. Never after silence: a control plane that does not answer once has time for one answer less.
   */
  async #put(wish: Wish, { signal, onSend }: WishAttempt): Promise<Outcome<JsonAnswer>> {
    const { connection, clock, random, responseMaxBytes = 64 * 1024 } = this.#options;
    const request = {
      call: 'prediction',
      method: 'PUT',
      path: predictionPath(wish),
      headers: {
        [FENCING_TOKEN_HEADER]: formatToken(wish.token),
        [IDEMPOTENCY_KEY_HEADER]: idempotencyKey(wish.versionId, wish.token),
      },
      body: buildPredictionBody(wish),
      responseMaxBytes,
      signal,
      onSend,
    } as const;
    const first = await connection.request(request);
    const isRepeatable =
      first.arrival !== 'answered' &&
      (first.cause === 'refused' || (first.cause === 'reset' && this.strength === 'fenced'));
    if (!isRepeatable) return first;
    await sleep(clock, 20 + random.next() * 80, signal);
    const second = await connection.request(request);
    // The first may have arrived even when the second did not.
    if (second.arrival === 'not-sent' && first.arrival === 'unknown') return { ...second, arrival: 'unknown' };
    return second;
  }
}

import type { Clock } from '../../lib/clock.ts';
import { withDeadline } from '../../lib/deadline.ts';
import type { Random } from '../../lib/random.ts';
import { scrubLine } from '../../lib/scrub.ts';
import { TimeseriesError } from '../../ports/signal-reader.ts';
import { basicHeader, type CredentialSource, type Credentials, needed, type TimeseriesAuth } from './credential.ts';

export type ExchangeAuth = Extract<TimeseriesAuth, { kind: 'token-exchange' }>;

/** Sends one request to the token endpoint and answers with status and body. */
export type PostForToken = (request: {
  url: string;
  headers: Record<string, string>;
  body: string;
  signal: AbortSignal;
}) => Promise<{ status: number; body: string }>;

export interface TokenExchangeOptions {
  readonly auth: ExchangeAuth;
  readonly post: PostForToken;
  readonly clock: Clock;
  readonly random: Random;
  readonly timeoutMs: number;
  /** Longest pause between attempts after failures. */
  readonly backoffMaxMs: number;
  readonly onFailure: (error: Error) => void;
}

interface Token {
  readonly text: string;
  readonly refreshAtMs: number;
  readonly expiresAtMs: number;
}

const LIFETIME_DEFAULT_MS = 300_000;
const LIFETIME_MAX_MS = 24 * 3_600_000;
const BACKOFF_FIRST_MS = 1_000;

/**
 * Gives user and password for a token and keeps it until it is about to expire. One exchange at a time, whoever asks. A
 * token that still holds is used while the endpoint is down, and a refusal is never the end: after a pause that grows to
 * `backoffMaxMs` it is tried again.
 */
export class TokenExchange implements CredentialSource {
  readonly #options: TokenExchangeOptions;
  #token: Token | undefined;
  #running: Promise<Token> | undefined;
  #failures = 0;
  #notBeforeMs = Number.NEGATIVE_INFINITY;
  #lastError: Error | undefined;
  #refusedInARow = 0;

  constructor(options: TokenExchangeOptions) {
    this.#options = options;
  }

  async credentials(signal: AbortSignal): Promise<Credentials> {
    const nowMs = this.#options.clock.monotonicMs();
    const token = this.#token;
    if (token && nowMs < token.refreshAtMs) return this.#headers(token);
    if (token && nowMs < token.expiresAtMs) {
      // Refreshing goes on beside the requests; this one takes what still holds.
      this.#exchange().catch(() => {});
      return this.#headers(token);
    }
    signal.throwIfAborted();
    return this.#headers(await this.#exchange());
  }

  refused(used: Credentials): boolean {
    if (!this.#token || !isSame(this.#headers(this.#token), used)) return true;
    this.#token = undefined;
    this.#refusedInARow += 1;
    if (this.#refusedInARow > 1) this.#pause();
    return this.#refusedInARow === 1;
  }

  /** The store took a token: whatever was wrong is over. */
  accepted(): void {
    this.#refusedInARow = 0;
    this.#failures = 0;
  }

  #exchange(): Promise<Token> {
    if (this.#running) return this.#running;
    const waitMs = this.#notBeforeMs - this.#options.clock.monotonicMs();
    if (waitMs > 0) {
      const after = this.#lastError ? `: ${this.#lastError.message}` : '';
      return Promise.reject(
        new TimeseriesError('auth', `no token; the next exchange is tried in ${Math.ceil(waitMs / 1000)} s${after}`),
      );
    }
    const { clock, timeoutMs, onFailure } = this.#options;
    this.#running = withDeadline({ clock, what: 'the token exchange', afterMs: timeoutMs }, (signal) =>
      this.#ask(signal),
    )
      .then((token) => {
        this.#token = token;
        this.#lastError = undefined;
        return token;
      })
      .catch((error: Error) => {
        this.#lastError = error;
        this.#pause();
        onFailure(error);
        throw error instanceof TimeseriesError
          ? error
          : new TimeseriesError('auth', `the token exchange failed: ${error.message}`, { cause: error });
      })
      .finally(() => {
        this.#running = undefined;
      });
    return this.#running;
  }

  async #ask(signal: AbortSignal): Promise<Token> {
    const { auth, post, clock } = this.#options;
    const startedMs = clock.monotonicMs();
    const { status, body } = await post({ url: auth.exchangeUrl, ...requestOf(auth), signal });
    if (status < 200 || status > 299) {
      throw new TimeseriesError('auth', `the token endpoint answered ${status}: ${scrubLine(body)}`, { status });
    }
    return this.#tokenOf(body, startedMs);
  }

  #tokenOf(body: string, startedMs: number): Token {
    let answer: Record<string, unknown>;
    try {
      answer = JSON.parse(body) as Record<string, unknown>;
    } catch (error) {
      throw new TimeseriesError('auth', 'the token endpoint did not answer with JSON', { cause: error });
    }
    const text = answer['access_token'] ?? answer['token'];
    if (typeof text !== 'string' || text === '') {
      throw new TimeseriesError('auth', 'the answer of the token endpoint has neither "access_token" nor "token"');
    }
    const { clock, random } = this.#options;
    const lifetimeMs = Math.min(LIFETIME_MAX_MS, Math.max(1_000, lifetimeOf(answer, clock.wallMs())));
    // At 80 % of its life, give or take a twentieth, so that replicas that started together do not ask together.
    const refreshAfterMs = lifetimeMs * (0.75 + 0.1 * random.next());
    return { text, refreshAtMs: startedMs + refreshAfterMs, expiresAtMs: startedMs + lifetimeMs };
  }

  #pause(): void {
    const { clock, random, backoffMaxMs } = this.#options;
    const longestMs = Math.min(backoffMaxMs, BACKOFF_FIRST_MS * 2 ** this.#failures);
    this.#failures = Math.min(this.#failures + 1, 30);
    this.#notBeforeMs = clock.monotonicMs() + longestMs * (0.5 + 0.5 * random.next());
  }

  #headers(token: Token): Credentials {
    const { tokenHeader } = this.#options.auth;
    return { headers: tokenHeader ? { [tokenHeader]: token.text } : { authorization: `Bearer ${token.text}` } };
  }
}

function requestOf(auth: ExchangeAuth): { headers: Record<string, string>; body: string } {
  if (auth.format === 'basic') return { headers: { authorization: basicHeader(auth) }, body: '' };
  const pair = { username: needed(auth.user, 'the user'), password: needed(auth.password, 'the password') };
  if (auth.format === 'json') {
    return { headers: { 'content-type': 'application/json' }, body: JSON.stringify(pair) };
  }
  return {
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ grant_type: 'password', ...pair }).toString(),
  };
}

/** `expires_in` counts seconds; `expires_at` and `expiration` are moments, in seconds or as a date. */
function lifetimeOf(answer: Record<string, unknown>, wallMs: number): number {
  const span = Number(answer['expires_in']);
  if (Number.isFinite(span) && span > 0) return span * 1000;
  const moment = answer['expires_at'] ?? answer['expiration'] ?? answer['expiresAt'];
  const atMs = typeof moment === 'number' ? moment * 1000 : Date.parse(String(moment));
  return Number.isFinite(atMs) && atMs > wallMs ? atMs - wallMs : LIFETIME_DEFAULT_MS;
}

function isSame(a: Credentials, b: Credentials): boolean {
  return JSON.stringify(a.headers) === JSON.stringify(b.headers);
}

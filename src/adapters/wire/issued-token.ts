import { errorText } from '../../lib/error-text.ts';
import { ExpiringValue, type ExpiringValueOptions } from '../../lib/expiring-value.ts';
import { type Credential, CredentialError, type Headers } from './credential.ts';
import type { TokenIssuer } from './token-endpoint.ts';

export interface IssuedTokenOptions extends Omit<ExpiringValueOptions<Headers>, 'fetch'> {
  readonly issuer: TokenIssuer;
  readonly toHeaders: (token: string) => Headers;
  /** For messages: "no access token". */
  readonly lack: string;
  readonly onFailure?: (() => void) | undefined;
}

/**
 * A token that somebody issues for a while. One request to the issuer at a time; a token that still holds is used while
 * the issuer is down, and a refusal is never the end: after a pause it is tried again.
 */
export class IssuedToken implements Credential<Headers> {
  readonly #issuer: TokenIssuer;
  readonly #lack: string;
  readonly #value: ExpiringValue<Headers>;
  #triedSecret = '';

  constructor({ issuer, toHeaders, lack, onFailure, ...expiring }: IssuedTokenOptions) {
    this.#issuer = issuer;
    this.#lack = lack;
    this.#value = new ExpiringValue({
      ...expiring,
      fetch: async (signal) => {
        this.#triedSecret = issuer.secret();
        try {
          const { token, expiresInMs } = await issuer.issue(signal);
          return { value: toHeaders(token), expiresInMs };
        } catch (error) {
          onFailure?.();
          throw error;
        }
      },
    });
  }

  async current(signal: AbortSignal): Promise<Headers> {
    const { failuresInARow, pausedMs } = this.#value.status();
    // A new secret is tried at once, without waiting out what the old one brought about.
    if (failuresInARow > 0 && this.#issuer.secret() !== this.#triedSecret) this.#value.reset();
    try {
      return await this.#value.get(signal);
    } catch (error) {
      signal.throwIfAborted();
      const why = errorText(error);
      const pause = pausedMs > 0 ? `; the next exchange is tried in ${Math.ceil(pausedMs / 1_000)} s` : '';
      throw new CredentialError(`${this.#lack}: ${why}${pause}`, { cause: error });
    }
  }

  renew(refused: Headers): boolean {
    return this.#value.drop(refused);
  }

  renewedInVain(refused: Headers): void {
    this.#value.drop(refused);
  }

  accepted(): void {
    this.#value.accept();
  }

  status(): { expiresInMs: number | undefined; lastError: string } {
    const { expiresInMs, lastError } = this.#value.status();
    return { expiresInMs, lastError };
  }
}

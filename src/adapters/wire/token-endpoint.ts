import type { Clock } from '../../lib/clock.ts';
import { checkAddress } from './address.ts';
import type { Headers } from './credential.ts';
import { exchange } from './exchange.ts';
import { Agents, type TlsMaterial } from './tls.ts';

const RESPONSE_MAX_BYTES = 64 * 1024;

/** Hands out tokens that end. */
export interface TokenIssuer {
  /** Rejects when it gives none. */
  issue(signal: AbortSignal): Promise<{ token: string; expiresInMs: number | undefined }>;
  /** What it is asked with: a new one is tried at once. */
  secret(): string;
}

export interface TokenEndpointOptions {
  readonly url: string;
  readonly clock: Clock;
  readonly userAgent: string;
  readonly tls?: (() => TlsMaterial) | undefined;
}

/** Where tokens are had. Posts one request at a time, with connections of its own. */
export class TokenEndpoint {
  readonly host: string;
  readonly #url: string;
  readonly #userAgent: string;
  readonly #agents: Agents;

  /** Throws an AddressError: secrets go there. */
  constructor({ url, clock, userAgent, tls }: TokenEndpointOptions) {
    this.#url = checkAddress(url, { what: 'the token endpoint', hasCredentials: true, isWhole: true }).url;
    this.host = new URL(this.#url).host;
    this.#userAgent = userAgent;
    this.#agents = new Agents({ clock, connectionsMax: 2, tls });
  }

  async post(request: {
    headers: Headers;
    body: string;
    signal: AbortSignal;
  }): Promise<{ status: number; contentType: string; body: string }> {
    const headers = { Accept: 'application/json', 'User-Agent': this.#userAgent, ...request.headers };
    const answer = await exchange(
      { ...request, method: 'POST', url: this.#url, headers, agents: this.#agents },
      { bytesMax: RESPONSE_MAX_BYTES },
    );
    if (answer.arrival !== 'answered') {
      throw new Error(`the token endpoint ${this.host} did not answer: ${answer.detail}`, { cause: answer.error });
    }
    const { status, header, bytes } = answer;
    return { status, contentType: header('content-type') ?? '', body: bytes.toString('utf8') };
  }

  close(): void {
    this.#agents.close();
  }
}

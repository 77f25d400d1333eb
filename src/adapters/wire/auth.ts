import type { Clock } from '../../lib/clock.ts';
import { ExpiringValue } from '../../lib/expiring-value.ts';
import type { Random } from '../../lib/random.ts';
import { ClientCredentials } from './client-credentials.ts';
import type { TlsMaterial } from './tls.ts';

/** How to prove who we are. Secrets are asked for at every use: they are reloaded while we run. */
export type Auth =
  | { readonly kind: 'none' }
  /** The client certificate of the TLS options speaks for us. */
  | { readonly kind: 'mtls' }
  | { readonly kind: 'bearer'; readonly token: () => string }
  | {
      readonly kind: 'oauth2';
      readonly tokenUrl: string;
      readonly clientId: string;
      readonly clientSecret: () => string;
      readonly scope?: string | undefined;
      readonly timeoutMs?: number | undefined;
      readonly refreshAtShare?: number | undefined;
      readonly lifeMaxMs?: number | undefined;
    };

/** There is nothing to prove ourselves with just now. */
class CredentialError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'CredentialError';
  }
}

export interface CredentialStatus {
  readonly kind: Auth['kind'];
  readonly expiresInMs: number | undefined;
  readonly lastError: string;
}

/** Makes the Authorization header. */
export interface Credential {
  readonly hasSecret: boolean;
  authorization(signal: AbortSignal): Promise<string | undefined>;
  /** It was refused. True: asking again gives another one that is worth a try. */
  drop(authorization: string | undefined): boolean;
  status(): CredentialStatus;
  close(): void;
}

export function createCredential(
  auth: Auth,
  means: { clock: Clock; random: Random; tls?: (() => TlsMaterial) | undefined; userAgent: string },
): Credential {
  switch (auth.kind) {
    case 'none':
    case 'mtls':
      return new NoSecret(auth.kind);
    case 'bearer':
      return new BearerToken(auth.token);
    case 'oauth2':
      return new IssuedToken(auth, means);
    default:
      return auth satisfies never;
  }
}

class NoSecret implements Credential {
  readonly hasSecret = false;
  readonly #kind: 'none' | 'mtls';

  constructor(kind: 'none' | 'mtls') {
    this.#kind = kind;
  }

  async authorization(): Promise<undefined> {}

  drop(): boolean {
    return false;
  }

  status(): CredentialStatus {
    return { kind: this.#kind, expiresInMs: undefined, lastError: '' };
  }

  close(): void {}
}

class BearerToken implements Credential {
  readonly hasSecret = true;
  readonly #token: () => string;

  constructor(token: () => string) {
    this.#token = token;
  }

  async authorization(): Promise<string> {
    return bearerOf(this.#token(), 'the bearer token');
  }

  /** Nothing to fetch; but the file may have been exchanged since. */
  drop(authorization: string | undefined): boolean {
    try {
      return bearerOf(this.#token(), 'the bearer token') !== authorization;
    } catch {
      return false;
    }
  }

  status(): CredentialStatus {
    return { kind: 'bearer', expiresInMs: undefined, lastError: '' };
  }

  close(): void {}
}

class IssuedToken implements Credential {
  readonly hasSecret = true;
  readonly #issuer: ClientCredentials;
  readonly #value: ExpiringValue<string>;
  readonly #secret: () => string;
  #triedSecret = '';

  constructor(
    auth: Extract<Auth, { kind: 'oauth2' }>,
    means: { clock: Clock; random: Random; tls?: (() => TlsMaterial) | undefined; userAgent: string },
  ) {
    this.#secret = auth.clientSecret;
    this.#issuer = new ClientCredentials({ ...auth, clock: means.clock, tls: means.tls, userAgent: means.userAgent });
    this.#value = new ExpiringValue({
      clock: means.clock,
      random: means.random,
      what: 'access token',
      timeoutMs: auth.timeoutMs ?? 5_000,
      refreshAtShare: auth.refreshAtShare ?? 0.8,
      lifeMaxMs: auth.lifeMaxMs ?? 3_600_000,
      fetch: async (signal) => {
        this.#triedSecret = this.#secret();
        const { token, expiresInMs } = await this.#issuer.fetch(this.#triedSecret, signal);
        return { value: bearerOf(token, 'the access token'), expiresInMs };
      },
    });
  }

  async authorization(signal: AbortSignal): Promise<string> {
    // A new secret is tried at once, without waiting out what the old one brought about.
    if (this.#value.status().failuresInARow > 0 && this.#secret() !== this.#triedSecret) this.#value.reset();
    try {
      return await this.#value.get(signal);
    } catch (error) {
      signal.throwIfAborted();
      throw new CredentialError(`no access token: ${error instanceof Error ? error.message : error}`, { cause: error });
    }
  }

  drop(authorization: string | undefined): boolean {
    return authorization !== undefined && this.#value.drop(authorization);
  }

  status(): CredentialStatus {
    const { expiresInMs, lastError } = this.#value.status();
    return { kind: 'oauth2', expiresInMs, lastError };
  }

  close(): void {
    this.#issuer.close();
  }
}

function bearerOf(token: string, what: string): string {
  const trimmed = token.trim();
  if (trimmed === '') throw new CredentialError(`${what} is empty; put it into its file or setting`);
  if (!/^[\x21-\x7e]{1,16384}$/.test(trimmed)) {
    throw new CredentialError(`${what} has characters that no header can carry, or is too long`);
  }
  return `Bearer ${trimmed}`;
}

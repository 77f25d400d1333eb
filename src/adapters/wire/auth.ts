import type { Clock } from '../../lib/clock.ts';
import type { Random } from '../../lib/random.ts';
import { basicHeader, headerText, headerToken, needed, type ReadSecret } from './authorization.ts';
import { type ClientCredentialsAuth, clientCredentials } from './client-credentials.ts';
import type { Credential, Headers } from './credential.ts';
import { IssuedToken } from './issued-token.ts';
import type { TlsMaterial } from './tls.ts';
import { TokenEndpoint } from './token-endpoint.ts';
import { type TokenExchangeAuth, tokenExchange } from './token-exchange.ts';

/** How to prove who we are. */
export type Auth =
  | { readonly kind: 'none' }
  /** The client certificate of the TLS options speaks for us. */
  | { readonly kind: 'mtls' }
  | { readonly kind: 'bearer'; readonly token: ReadSecret }
  | { readonly kind: 'basic'; readonly user: ReadSecret; readonly password: ReadSecret }
  | ClientCredentialsAuth
  | TokenExchangeAuth;

export interface CredentialStatus {
  readonly kind: Auth['kind'];
  readonly expiresInMs: number | undefined;
  readonly lastError: string;
}

/** A credential that travels in headers. */
export interface HeaderCredential {
  readonly credential: Credential<Headers>;
  readonly status: () => CredentialStatus;
  readonly close: () => void;
}

export interface CredentialMeans {
  readonly clock: Clock;
  readonly random: Random;
  /** Of the token endpoint. */
  readonly tls?: (() => TlsMaterial) | undefined;
  readonly userAgent: string;
  /** To whom we prove it: "the control plane". */
  readonly to: string;
  /** The token endpoint gave nothing. */
  readonly onFailure?: (() => void) | undefined;
}

/** Whether something goes along that others must not read on the way. */
export function hasSecret({ kind }: Auth): boolean {
  return kind !== 'none' && kind !== 'mtls';
}

/** Throws an AddressError for a token endpoint that will not do. */
export function headerCredential(auth: Auth, means: CredentialMeans): HeaderCredential {
  const { kind } = auth;
  switch (kind) {
    case 'none':
    case 'mtls':
      return fixed(kind, () => ({}));
    case 'bearer':
      // What the operator wrote is sent as it is; only tokens that an issuer gives must be in one piece.
      return fixed(kind, () => ({
        authorization: `Bearer ${headerText(needed(auth.token, `the bearer token for ${means.to}`), 'the bearer token')}`,
      }));
    case 'basic':
      return fixed(kind, () => {
        const user = needed(auth.user, `the user for ${means.to}`);
        const password = needed(auth.password, `the password for ${means.to}`);
        return { authorization: basicHeader({ user, password }) };
      });
    case 'oauth2': {
      const endpoint = new TokenEndpoint({ ...means, url: auth.tokenUrl });
      return issued(kind, grantedToken(auth, { ...means, endpoint }), endpoint);
    }
    case 'token-exchange': {
      const endpoint = new TokenEndpoint({ ...means, url: auth.exchangeUrl });
      return issued(kind, exchangedToken(auth, { ...means, endpoint }), endpoint);
    }
    default:
      return kind satisfies never;
  }
}

/** Nothing to fetch; but the file behind it may have been exchanged since it was refused. */
function fixed(kind: Auth['kind'], read: () => Headers): HeaderCredential {
  return {
    credential: {
      current: async () => read(),
      renew: (refused) => JSON.stringify(read()) !== JSON.stringify(refused),
    },
    status: () => ({ kind, expiresInMs: undefined, lastError: '' }),
    close: () => {},
  };
}

function issued(kind: Auth['kind'], credential: IssuedToken, endpoint: TokenEndpoint): HeaderCredential {
  return { credential, status: () => ({ kind, ...credential.status() }), close: () => endpoint.close() };
}

function grantedToken(
  auth: ClientCredentialsAuth,
  { clock, random, onFailure, endpoint }: CredentialMeans & { endpoint: TokenEndpoint },
): IssuedToken {
  return new IssuedToken({
    issuer: clientCredentials(auth, endpoint),
    toHeaders: (token) => bearer(token, 'the access token'),
    lack: 'no access token',
    onFailure,
    clock,
    random,
    what: 'getting the access token',
    timeoutMs: auth.timeoutMs ?? 5_000,
    refreshAtShare: auth.refreshAtShare ?? 0.8,
    lifeMaxMs: auth.lifeMaxMs ?? 3_600_000,
  });
}

export function exchangedToken(
  auth: TokenExchangeAuth,
  means: Pick<CredentialMeans, 'clock' | 'random' | 'onFailure' | 'to'> & { endpoint: Pick<TokenEndpoint, 'post'> },
): IssuedToken {
  const { clock, random, onFailure, to, endpoint } = means;
  const { tokenHeader } = auth;
  return new IssuedToken({
    issuer: tokenExchange(auth, { endpoint, clock, to }),
    toHeaders: (token) =>
      tokenHeader ? { [tokenHeader]: headerText(token, 'the token') } : bearer(token, 'the token'),
    lack: 'no token',
    onFailure,
    clock,
    random,
    what: 'the token exchange',
    timeoutMs: auth.timeoutMs ?? 5_000,
    lifeMaxMs: 24 * 3_600_000,
    pauseMaxMs: auth.backoffMaxMs ?? 180_000,
    // A store that refuses two tokens in a row is not asked with a third at once.
    dropMinAgeMs: 0,
    refusalsMax: 1,
  });
}

function bearer(token: string, what: string): Headers {
  return { authorization: `Bearer ${headerToken(token, what)}` };
}

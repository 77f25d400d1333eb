import type { Clock } from '../../lib/clock.ts';
import { scrubLine } from '../../lib/scrub.ts';
import { basicHeader, needed, type ReadSecret } from './authorization.ts';
import { CredentialError, type Headers } from './credential.ts';
import { jsonOf } from './exchange.ts';
import type { TokenEndpoint, TokenIssuer } from './token-endpoint.ts';

export interface TokenExchangeAuth {
  readonly kind: 'token-exchange';
  readonly exchangeUrl: string;
  readonly user: ReadSecret;
  readonly password: ReadSecret;
  /** How user and password are sent: a form, JSON, or basic authentication with an empty body. */
  readonly format?: 'form' | 'json' | 'basic' | undefined;
  /** Header that carries the token as it is; default: `Authorization: Bearer …`. */
  readonly tokenHeader?: string | undefined;
  readonly timeoutMs?: number | undefined;
  /** Longest pause between attempts after failures. */
  readonly backoffMaxMs?: number | undefined;
}

/** Gives user and password for a token that ends. */
export function tokenExchange(
  auth: TokenExchangeAuth,
  /** `to`: whose user it is, for messages. */
  { endpoint, to, clock }: { endpoint: Pick<TokenEndpoint, 'post'>; to: string; clock: Clock },
): TokenIssuer {
  const issue = async (signal: AbortSignal) => {
    const { status, body } = await endpoint.post({ ...requestOf(auth, to), signal });
    if (status < 200 || status > 299) {
      throw new CredentialError(`the token endpoint answered ${status}: ${scrubLine(body)}`);
    }
    const json = jsonOf(body);
    if (typeof json !== 'object' || json === null) {
      throw new CredentialError('the token endpoint did not answer with JSON');
    }
    const answer = json as Record<string, unknown>;
    const token = answer['access_token'] ?? answer['token'];
    if (typeof token !== 'string' || token === '') {
      throw new CredentialError('the answer of the token endpoint has neither "access_token" nor "token"');
    }
    return { token, expiresInMs: lifetimeOf(answer, clock.wallMs()) };
  };
  return { issue, secret: () => `${auth.user() ?? ''}:${auth.password() ?? ''}` };
}

function requestOf(auth: TokenExchangeAuth, to: string): { headers: Headers; body: string } {
  const user = needed(auth.user, `the user for ${to}`);
  const password = needed(auth.password, `the password for ${to}`);
  const { format = 'form' } = auth;
  switch (format) {
    case 'basic':
      return { headers: { authorization: basicHeader({ user, password }) }, body: '' };
    case 'json':
      return { headers: { 'content-type': 'application/json' }, body: JSON.stringify({ username: user, password }) };
    case 'form': {
      const form = new URLSearchParams({ grant_type: 'password', username: user, password });
      return { headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: form.toString() };
    }
    default:
      return format satisfies never;
  }
}

/** `expires_in` counts seconds; `expires_at` and `expiration` are moments, in seconds or as a date. Undefined: it does not say. */
function lifetimeOf(answer: Record<string, unknown>, wallMs: number): number | undefined {
  const span = Number(answer['expires_in']);
  if (Number.isFinite(span) && span > 0) return span * 1000;
  const moment = answer['expires_at'] ?? answer['expiration'] ?? answer['expiresAt'];
  const atMs = typeof moment === 'number' ? moment * 1000 : Date.parse(String(moment));
  return Number.isFinite(atMs) && atMs > wallMs ? atMs - wallMs : undefined;
}

import { isLoopback } from '../../lib/loopback.ts';
import { TimeseriesError } from '../../ports/signal-reader.ts';

/** Secrets are read anew for every request: files behind them change while we run. */
export type ReadSecret = () => string | undefined;

export type TimeseriesAuth =
  | { readonly kind: 'none' }
  | { readonly kind: 'bearer'; readonly token: ReadSecret }
  | { readonly kind: 'basic'; readonly user: ReadSecret; readonly password: ReadSecret }
  | {
      readonly kind: 'token-exchange';
      readonly exchangeUrl: string;
      readonly user: ReadSecret;
      readonly password: ReadSecret;
      /** How user and password are sent: a form, JSON, or basic authentication with an empty body. */
      readonly format?: 'form' | 'json' | 'basic' | undefined;
      /** Header that carries the token as it is; default: `Authorization: Bearer …`. */
      readonly tokenHeader?: string | undefined;
    };

/** What proves who we are on one request. */
export interface Credentials {
  readonly headers: Readonly<Record<string, string>>;
}

/** Gives credentials, and hears when they were refused. */
export interface CredentialSource {
  credentials(signal: AbortSignal): Promise<Credentials>;
  /** Answers whether another try with other credentials makes sense. */
  refused(used: Credentials): boolean;
  /** Hears that a request went through. */
  accepted(): void;
}

export class FixedCredentials implements CredentialSource {
  readonly #read: () => Record<string, string>;

  constructor(auth: Extract<TimeseriesAuth, { kind: 'none' | 'bearer' | 'basic' }>) {
    this.#read = () => headersOf(auth);
  }

  async credentials(): Promise<Credentials> {
    return { headers: this.#read() };
  }

  /** A secret that has been replaced in the meantime deserves one more try. */
  refused(used: Credentials): boolean {
    return JSON.stringify(this.#read()) !== JSON.stringify(used.headers);
  }

  accepted(): void {}
}

function headersOf(auth: Extract<TimeseriesAuth, { kind: 'none' | 'bearer' | 'basic' }>): Record<string, string> {
  switch (auth.kind) {
    case 'none':
      return {};
    case 'bearer':
      return { authorization: `Bearer ${needed(auth.token, 'the bearer token')}` };
    case 'basic':
      return { authorization: basicHeader(auth) };
  }
}

export function basicHeader(auth: { user: ReadSecret; password: ReadSecret }): string {
  const pair = `${needed(auth.user, 'the user')}:${needed(auth.password, 'the password')}`;
  return `Basic ${Buffer.from(pair).toString('base64')}`;
}

export function needed(read: ReadSecret, what: string): string {
  const value = read()?.trim();
  if (!value)
    throw new TimeseriesError('auth', `${what} for the time-series store is empty: is its secret file there?`);
  return value;
}

/** Credentials travel encrypted, or not off this machine. */
export function refuseCleartext(url: URL, auth: TimeseriesAuth): void {
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new TimeseriesError(
      'auth',
      `${url.protocol}// is not spoken here: the time-series store needs http or https`,
    );
  }
  if (url.username || url.password) {
    throw new TimeseriesError(
      'auth',
      'the address of the time-series store must not carry credentials: use the auth settings',
    );
  }
  if (auth.kind === 'none' || url.protocol === 'https:' || isLoopback(url.hostname)) return;
  throw new TimeseriesError(
    'auth',
    `credentials would go to ${url.host} unencrypted: use https, or leave authentication off inside a trusted network`,
  );
}

import type { IncomingMessage } from 'node:http';
import type { Reply } from './faults.ts';

/** An OAuth 2.0 token endpoint for one client. */
export class DoubleIssuer {
  /** Of tokens issued from now on. */
  expiresInSeconds = 3_600;
  readonly forms: URLSearchParams[] = [];
  readonly #client: { readonly clientId: string; clientSecret: string } | undefined;
  readonly #valid = new Map<string, number>();
  #issued = 0;

  constructor(client: { readonly clientId: string; readonly clientSecret: string } | undefined) {
    this.#client = client && { ...client };
  }

  get issued(): number {
    return this.#issued;
  }

  /** As when an operator rotates it: the old one is worth nothing from now on. */
  changeSecret(clientSecret: string): void {
    if (this.#client) this.#client.clientSecret = clientSecret;
  }

  revokeAll(): void {
    this.#valid.clear();
  }

  isValid(authorization: string | undefined): boolean {
    return this.#valid.has(authorization ?? '');
  }

  issue(request: IncomingMessage, form: string): Reply {
    const fields = new URLSearchParams(form);
    this.forms.push(fields);
    if (request.method !== 'POST' || fields.get('grant_type') !== 'client_credentials') {
      return { status: 400, body: { error: 'unsupported_grant_type' } };
    }
    const [id, secret] = readBasic(request.headers.authorization);
    if (!this.#client || id !== this.#client.clientId || secret !== this.#client.clientSecret) {
      return { status: 401, body: { error: 'invalid_client', error_description: 'unknown client or wrong secret' } };
    }
    this.#issued += 1;
    const token = `issued-token-${this.#issued}`;
    this.#valid.set(`Bearer ${token}`, this.#issued);
    return { status: 200, body: { access_token: token, token_type: 'Bearer', expires_in: this.expiresInSeconds } };
  }
}

function readBasic(header: string | undefined): string[] {
  const [scheme, encoded = ''] = header?.split(' ') ?? [];
  if (scheme !== 'Basic') return [];
  const joined = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = joined.indexOf(':');
  const decode = (text: string) => new URLSearchParams(`_=${text}`).get('_') ?? '';
  return [decode(joined.slice(0, colon)), decode(joined.slice(colon + 1))];
}

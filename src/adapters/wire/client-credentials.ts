import { z } from 'zod';
import type { Clock } from '../../lib/clock.ts';
import { scrubLine } from '../../lib/scrub.ts';
import { checkAddress, lookupChecked } from './address.ts';
import { type Answer, exchange } from './exchange.ts';
import { Agents, type TlsMaterial } from './tls.ts';

const RESPONSE_MAX_BYTES = 64 * 1024;

const issuedSchema = z.object({
  access_token: z.string().min(1),
  token_type: z.string().optional(),
  // Some issuers write the number as text.
  expires_in: z.coerce.number().positive().optional().catch(undefined),
});

const refusedSchema = z.object({ error: z.string(), error_description: z.string().optional().catch(undefined) });

/** The OAuth 2.0 client credentials grant: our id and secret for a token that ends. */
export class ClientCredentials {
  readonly #tokenUrl: string;
  readonly #host: string;
  readonly #clientId: string;
  readonly #scope: string | undefined;
  readonly #userAgent: string;
  readonly #agents: Agents;

  constructor(options: {
    tokenUrl: string;
    clientId: string;
    scope?: string | undefined;
    userAgent: string;
    clock: Clock;
    tls?: (() => TlsMaterial) | undefined;
  }) {
    const { url } = checkAddress(options.tokenUrl, { what: 'the token endpoint', hasCredentials: true });
    this.#tokenUrl = url;
    this.#host = new URL(url).host;
    this.#clientId = options.clientId;
    this.#scope = options.scope;
    this.#userAgent = options.userAgent;
    this.#agents = new Agents({ clock: options.clock, connectionsMax: 2, tls: options.tls, lookup: lookupChecked });
  }

  async fetch(clientSecret: string, signal: AbortSignal): Promise<{ token: string; expiresInMs: number | undefined }> {
    const form = new URLSearchParams({ grant_type: 'client_credentials' });
    if (this.#scope) form.set('scope', this.#scope);
    const answer = await exchange(
      {
        ...this.#agents.for(this.#tokenUrl),
        method: 'POST',
        url: this.#tokenUrl,
        data: form.toString(),
        headers: {
          Accept: 'application/json',
          'Content-Type': 'application/x-www-form-urlencoded',
          'User-Agent': this.#userAgent,
          Authorization: basicOf(this.#clientId, clientSecret),
        },
        signal,
      },
      { responseMaxBytes: RESPONSE_MAX_BYTES },
    );
    if (answer.kind === 'no-answer')
      throw new Error(`the token endpoint ${this.#host} did not answer: ${answer.detail}`);
    return this.#read(answer);
  }

  close(): void {
    this.#agents.close();
  }

  #read(answer: Answer): { token: string; expiresInMs: number | undefined } {
    if (answer.status !== 200) {
      const { data } = refusedSchema.safeParse(answer.body);
      const why = data ? scrubLine(`${data.error} ${data.error_description ?? ''}`) : answer.contentType || 'no body';
      throw new Error(`the token endpoint ${this.#host} answered ${answer.status} (${why})`);
    }
    const { data } = issuedSchema.safeParse(answer.body);
    if (!data) throw new Error(`the token endpoint ${this.#host} answered without an access_token`);
    if (data.token_type !== undefined && data.token_type.toLowerCase() !== 'bearer') {
      throw new Error(
        `the token endpoint ${this.#host} issues ${scrubLine(data.token_type, 40)} tokens; only bearer is spoken here`,
      );
    }
    return {
      token: data.access_token,
      expiresInMs: data.expires_in === undefined ? undefined : data.expires_in * 1_000,
    };
  }
}

/** RFC 6749 §2.3.1: both halves are form-encoded before they are joined. */
function basicOf(clientId: string, clientSecret: string): string {
  const encode = (text: string) => new URLSearchParams({ _: text }).toString().slice(2);
  return `Basic ${Buffer.from(`${encode(clientId)}:${encode(clientSecret)}`).toString('base64')}`;
}

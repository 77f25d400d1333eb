import { z } from 'zod';
import { scrubLine } from '../../lib/scrub.ts';
import { basicHeader, needed, type ReadSecret } from './authorization.ts';
import { jsonOf } from './exchange.ts';
import type { TokenEndpoint, TokenIssuer } from './token-endpoint.ts';

const issuedSchema = z.object({
  access_token: z.string().min(1),
  token_type: z.string().optional(),
  // Some issuers write the number as text.
  expires_in: z.coerce.number().positive().optional().catch(undefined),
});

const refusedSchema = z.object({ error: z.string(), error_description: z.string().optional().catch(undefined) });

export interface ClientCredentialsAuth {
  readonly kind: 'oauth2';
  readonly tokenUrl: string;
  readonly clientId: string;
  readonly clientSecret: ReadSecret;
  readonly scope?: string | undefined;
  readonly timeoutMs?: number | undefined;
  readonly refreshAtShare?: number | undefined;
  readonly lifeMaxMs?: number | undefined;
}

/** The OAuth 2.0 client credentials grant: our id and secret for a token that ends. */
export function clientCredentials(auth: ClientCredentialsAuth, endpoint: TokenEndpoint): TokenIssuer {
  const { clientId, clientSecret, scope } = auth;
  const issue = async (signal: AbortSignal) => {
    const form = new URLSearchParams({ grant_type: 'client_credentials', ...(scope ? { scope } : {}) });
    // RFC 6749 §2.3.1: both halves are form-encoded before they are joined.
    const [user, password] = [clientId, needed(clientSecret, 'the client secret')].map(formEncoded) as [string, string];
    const { status, body, contentType } = await endpoint.post({
      headers: {
        'Content-Type': 'application/x-www-form-urlencoded',
        Authorization: basicHeader({ user, password }),
      },
      body: form.toString(),
      signal,
    });
    const { host } = endpoint;
    if (status !== 200) {
      const { data } = refusedSchema.safeParse(jsonOf(body));
      const why = data ? scrubLine(`${data.error} ${data.error_description ?? ''}`) : contentType || 'no body';
      throw new Error(`the token endpoint ${host} answered ${status} (${why})`);
    }
    // Whatever its content type says: not every issuer says application/json.
    const { data } = issuedSchema.safeParse(jsonOf(body));
    if (!data) throw new Error(`the token endpoint ${host} answered without an access_token`);
    if (data.token_type !== undefined && data.token_type.toLowerCase() !== 'bearer') {
      throw new Error(
        `the token endpoint ${host} issues ${scrubLine(data.token_type, 40)} tokens; only bearer is spoken here`,
      );
    }
    return {
      token: data.access_token,
      expiresInMs: data.expires_in === undefined ? undefined : data.expires_in * 1_000,
    };
  };
  return { issue, secret: () => clientSecret() ?? '' };
}

function formEncoded(text: string): string {
  return new URLSearchParams({ _: text }).toString().slice(2);
}

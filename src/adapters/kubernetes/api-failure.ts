import { z } from 'zod';
import { scrubLine } from '../../lib/scrub.ts';
import type { JsonAnswer } from '../wire/exchange.ts';
import type { Outcome } from '../wire/outcome.ts';

/** Reading did not work. Says what was asked, what was answered, and what to do. */
export class ApiFailure extends Error {
  override name = 'ApiFailure';
  readonly status: number | undefined;
  readonly retryAfterMs: number | undefined;
  constructor(message: string, { status, retryAfterMs }: { status?: number; retryAfterMs?: number | undefined } = {}) {
    super(message);
    this.status = status;
    this.retryAfterMs = retryAfterMs;
  }
}

const statusSchema = z.object({
  kind: z.literal('Status'),
  code: z.number().optional(),
  reason: z.string().optional(),
  message: z.string().optional(),
});

/** The API server's own account of an error; undefined when somebody else answered in its place. */
export function parseStatus(body: unknown): { code: number | undefined; message: string } | undefined {
  const parsed = statusSchema.safeParse(body);
  if (!parsed.success) return undefined;
  const { code, reason, message } = parsed.data;
  return { code, message: scrubLine(message || reason || 'no reason given', 300) };
}

/** What went wrong when `verb` was asked for `what` ("deployments in namespace shop"). */
export function describeResult(result: Outcome<JsonAnswer>, verb: string, what: string): ApiFailure {
  if (result.arrival !== 'answered') {
    const check = result.cause === 'tls' ? '; check the CA of the API server' : '';
    return new ApiFailure(`cannot ${verb} ${what}: ${result.detail}${check}`);
  }
  const { status, retryAfterMs } = result;
  const said =
    parseStatus(result.body)?.message ?? 'not in the words of a Kubernetes API server; is the address right?';
  const mend =
    status === 403
      ? `; give this account the right to ${verb} ${what}`
      : status === 401
        ? '; its credential is not accepted: check the service account token or the kubeconfig'
        : '';
  return new ApiFailure(`cannot ${verb} ${what}: ${status}: ${said}${mend}`, { status, retryAfterMs });
}

import { z } from 'zod';
import { scrubLine } from '../../lib/scrub.ts';

/** What the API server said, or that nothing was heard of it. */
export type ApiResult = ApiAnswer | NoApiAnswer;

export interface ApiAnswer {
  readonly kind: 'answer';
  readonly status: number;
  /** Parsed JSON; undefined when it was none. */
  readonly body: unknown;
  readonly retryAfterMs: number | undefined;
}

export interface NoApiAnswer {
  readonly kind: 'no-answer';
  /** Whether it may have seen the request. */
  readonly mayHaveArrived: boolean;
  /** We gave up; that says nothing of the server. */
  readonly isAborted: boolean;
  readonly detail: string;
}

/** Reading did not work. Says what was asked, what was answered, and what to do. */
export class ApiFailure extends Error {
  readonly status: number | undefined;
  readonly retryAfterMs: number | undefined;
  constructor(message: string, { status, retryAfterMs }: { status?: number; retryAfterMs?: number | undefined } = {}) {
    super(message);
    this.name = 'ApiFailure';
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

const RETRY_AFTER_MAX_MS = 300_000;

/** The API server says seconds; whatever else stands there is as good as nothing. */
export function retryAfterMs(header: unknown): number | undefined {
  if (typeof header !== 'string' || !/^[0-9]{1,9}$/.test(header.trim())) return undefined;
  return Math.min(Number(header) * 1_000, RETRY_AFTER_MAX_MS);
}

/** What went wrong when `verb` was asked for `what` ("deployments in namespace shop"). */
export function describeResult(result: ApiResult, verb: string, what: string): ApiFailure {
  if (result.kind === 'no-answer') return new ApiFailure(`cannot ${verb} ${what}: ${result.detail}`);
  const { status, retryAfterMs: pauseMs } = result;
  const said =
    parseStatus(result.body)?.message ?? 'not in the words of a Kubernetes API server; is the address right?';
  const mend =
    status === 403
      ? `; give this account the right to ${verb} ${what}`
      : status === 401
        ? '; its credential is not accepted: check the service account token or the kubeconfig'
        : '';
  return new ApiFailure(`cannot ${verb} ${what}: ${status}: ${said}${mend}`, { status, retryAfterMs: pauseMs });
}

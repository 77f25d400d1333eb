import { z } from 'zod';
import { parseToken } from './fencing.ts';

export const PROBLEM_CONTENT_TYPE = 'application/problem+json';

/** The problems of this contract. */
const PROBLEMS = {
  'invalid-request': { title: 'The request cannot be accepted', status: 400 },
  'not-authenticated': { title: 'Who is asking is not known', status: 401 },
  forbidden: { title: 'The caller may not do this', status: 403 },
  'not-found': { title: 'There is no such thing here', status: 404 },
  'method-not-allowed': { title: 'This cannot be done here', status: 405 },
  'stale-fencing-token': { title: 'A newer writer was here', status: 409 },
  gone: { title: 'It was here and is gone', status: 410 },
  'too-large': { title: 'The request is too large', status: 413 },
  'fencing-token-required': { title: 'A fencing token is required', status: 428 },
  throttled: { title: 'Too many requests', status: 429 },
  internal: { title: 'Something went wrong here', status: 500 },
  unavailable: { title: 'Not available now', status: 503 },
} as const;

export type ProblemType = keyof typeof PROBLEMS;

/** One field of a request that cannot be accepted. `pointer` is a JSON pointer into the body, or names a header or query parameter. */
export interface FieldError {
  readonly pointer: string;
  readonly message: string;
}

/** RFC 9457, with what this contract adds. */
export interface WireProblem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly storedToken?: string;
  readonly errors?: readonly FieldError[];
}

export function buildProblem(
  type: ProblemType,
  detail: string,
  more: { storedToken?: string; errors?: readonly FieldError[] } = {},
): WireProblem {
  return { type, ...PROBLEMS[type], detail, ...more };
}

export function invalidRequest(errors: readonly FieldError[]): { ok: false; problem: WireProblem } {
  const detail = errors.map(({ pointer, message }) => `${pointer || 'the body'} ${message}`).join('; ');
  return { ok: false, problem: buildProblem('invalid-request', detail, { errors }) };
}

const text = z
  .string()
  .catch('')
  .transform((told) => told.slice(0, 4_000));

const problemSchema = z.object({
  type: text,
  title: text,
  detail: text,
  storedToken: z.unknown().optional().transform(parseToken),
});

export interface ReceivedProblem {
  /** The last part of the type, so that `urn:x:stale-fencing-token` and `https://x/stale-fencing-token` are the same problem. */
  readonly type: string;
  readonly title: string;
  readonly detail: string;
  readonly storedToken: bigint | undefined;
}

/** The asking side: whatever was answered with an error status, as far as it can be read. */
export function parseProblem(body: unknown): ReceivedProblem {
  const parsed = problemSchema.safeParse(body);
  if (!parsed.success) return { type: '', title: '', detail: '', storedToken: undefined };
  const { type, ...rest } = parsed.data;
  return { type: type.split(/[/:#]/).at(-1) ?? '', ...rest };
}

/** Each complaint of a schema as a field error, once per field. */
export function fieldErrors(issues: readonly z.core.$ZodIssue[]): FieldError[] {
  const errors = new Map<string, FieldError>();
  for (const issue of issues) {
    const pointer = issue.path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
    if (!errors.has(pointer)) errors.set(pointer, { pointer, message: issue.message });
  }
  return [...errors.values()];
}

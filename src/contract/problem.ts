import { z } from 'zod';
import { parseToken } from './fencing.ts';

export const PROBLEM_CONTENT_TYPE = 'application/problem+json';

/** The problems of this contract and the status that each comes with. */
const PROBLEM_STATUS = {
  'invalid-request': 400,
  'not-authenticated': 401,
  forbidden: 403,
  'not-found': 404,
  'method-not-allowed': 405,
  'stale-fencing-token': 409,
  gone: 410,
  'too-large': 413,
  'fencing-token-required': 428,
  throttled: 429,
  internal: 500,
  unavailable: 503,
} as const;

export type ProblemType = keyof typeof PROBLEM_STATUS;

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

const TITLES: Readonly<Record<ProblemType, string>> = {
  'invalid-request': 'The request cannot be accepted',
  'not-authenticated': 'Who is asking is not known',
  forbidden: 'The caller may not do this',
  'not-found': 'There is no such thing here',
  'method-not-allowed': 'This cannot be done here',
  'stale-fencing-token': 'A newer writer was here',
  gone: 'It was here and is gone',
  'too-large': 'The request is too large',
  'fencing-token-required': 'A fencing token is required',
  throttled: 'Too many requests',
  internal: 'Something went wrong here',
  unavailable: 'Not available now',
};

export function buildProblem(
  type: ProblemType,
  detail: string,
  more: { storedToken?: string; errors?: readonly FieldError[] } = {},
): WireProblem {
  return { type, title: TITLES[type], status: PROBLEM_STATUS[type], detail, ...more };
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

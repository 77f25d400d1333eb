import type { ServerResponse } from 'node:http';
import type { z } from 'zod';
import { type FieldError, fieldErrors, PROBLEM_CONTENT_TYPE } from '../../../contract/problem.ts';
import type { WireReply } from '../../control-plane/control-plane.ts';
import { PlatformError, type PlatformErrorCode } from '../../model/platform-error.ts';

/** How each thing that can go wrong is answered here. */
const ANSWERS: Readonly<Record<PlatformErrorCode, readonly [status: number, title: string, retryAfterS?: number]>> = {
  'function-unknown': [404, 'There is no such function'],
  'version-unknown': [404, 'There is no such version'],
  'trigger-unknown': [404, 'There is no such trigger'],
  'queue-unknown': [404, 'There is no such queue'],
  'name-taken': [409, 'The name is taken'],
  'no-code': [409, 'There is no code'],
  'not-active': [409, 'It is not active'],
  'input-invalid': [400, 'The request cannot be accepted'],
  'code-invalid': [400, 'The code cannot be accepted'],
  'code-too-large': [413, 'The code is too large'],
  'runtime-unavailable': [501, 'There is no such runtime here'],
  overloaded: [429, 'Too many calls at once', 1],
  'queue-full': [429, 'Too many calls wait', 1],
  'wait-timeout': [503, 'No instance became free in time', 5],
  'memory-exhausted': [503, 'There is no memory for an instance', 30],
  'concurrency-zero': [429, 'The function may not run', 1],
  'depth-exceeded': [508, 'Functions call each other without end'],
  'payload-too-large': [413, 'The request is too large'],
  stopping: [503, 'The platform is stopping', 30],
  'init-failed': [502, 'The function could not be started'],
  'handler-failed': [500, 'The function failed'],
  timeout: [504, 'The function took too long'],
  crashed: [502, 'The function crashed'],
  'out-of-memory': [502, 'The function ran out of memory'],
  'result-too-large': [502, 'The result is too large'],
  unreachable: [502, 'No instance could be reached', 1],
};

interface NativeProblem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly errors?: readonly FieldError[];
  /** What the handler threw, for the caller who wrote it. */
  readonly thrown?: PlatformError['thrown'];
  readonly requestId?: string;
  readonly instanceId?: string;
  readonly logs?: readonly string[];
}

export function sendJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  const bytes = Buffer.from(JSON.stringify(body));
  const type = status >= 400 ? PROBLEM_CONTENT_TYPE : 'application/json';
  response.writeHead(status, { 'content-type': type, 'content-length': bytes.length, ...headers });
  response.end(bytes);
}

/** RFC 9457, as everything on this port. Whatever is not one of ours says nothing of itself to the caller. */
export function sendError(response: ServerResponse, error: unknown): void {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  const { problem, retryAfterS } = problemOf(error);
  const headers: Record<string, string> = retryAfterS === undefined ? {} : { 'retry-after': String(retryAfterS) };
  // A body that is not read to its end would be taken for the next request.
  if (!response.req.complete) headers['connection'] = 'close';
  sendJson(response, problem.status, problem, headers);
}

export function notAllowed(allow: string): WireReply {
  const body = {
    type: 'method-not-allowed',
    title: 'This cannot be done here',
    status: 405,
    detail: `only ${allow} is understood here`,
  };
  return { status: 405, body, headers: { allow } };
}

function problemOf(error: unknown): { problem: NativeProblem; retryAfterS: number | undefined } {
  if (error instanceof FieldErrors) return { problem: error.problem, retryAfterS: undefined };
  if (!(error instanceof PlatformError)) {
    const problem = { type: 'internal', title: 'Something went wrong here', status: 500, detail: 'see the log' };
    return { problem, retryAfterS: undefined };
  }
  const [status, title, retryAfterS] = ANSWERS[error.code];
  const errors = error.field === undefined ? undefined : [{ pointer: pointerTo(error.field), message: error.message }];
  const { facts, thrown } = error;
  const problem = {
    type: error.code,
    title,
    status,
    detail: error.message,
    ...(errors ? { errors } : {}),
    ...(thrown ? { thrown } : {}),
    ...(facts ? { requestId: facts.requestId, instanceId: facts.instanceId, logs: facts.logs } : {}),
  };
  return { problem, retryAfterS };
}

function pointerTo(field: string): string {
  return `/${field.replaceAll('.', '/')}`;
}

/** Everything that a schema finds wrong with a body, at once. */
class FieldErrors extends Error {
  readonly problem: NativeProblem;
  constructor(errors: readonly FieldError[]) {
    const detail = errors.map(({ pointer, message }) => `${pointer || 'the body'} ${message}`).join('; ');
    super(detail);
    const [status, title] = ANSWERS['input-invalid'];
    this.problem = { type: 'input-invalid', title, status, detail, errors };
  }
}

/** The body as the schema reads it. Throws what `sendError` answers with every field that is wrong. */
export function readAs<Schema extends z.ZodType>(schema: Schema, body: unknown): z.infer<Schema> {
  const parsed = schema.safeParse(body);
  if (!parsed.success) throw new FieldErrors(fieldErrors(parsed.error.issues));
  return parsed.data;
}

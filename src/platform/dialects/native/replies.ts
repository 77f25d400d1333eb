import type { Logger } from 'pino';
import type { z } from 'zod';
import { buildProblem, type FieldError, fieldErrors, PROBLEM_CONTENT_TYPE } from '../../../contract/problem.ts';
import { PlatformError, type PlatformErrorCode } from '../../model/platform-error.ts';
import type { Reply } from '../../model/reply.ts';
import { WRONG_HOST_DETAIL, WRONG_HOST_STATUS } from '../guards.ts';
import type { ErrorReplies } from '../route-listener.ts';

/** What each thing that can go wrong is here: RFC 9457, as everything on this port. */
const PROBLEMS: Readonly<Record<PlatformErrorCode, readonly [status: number, title: string, retryAfterS?: number]>> = {
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

export function ok(body: unknown): Reply {
  return { status: 200, body };
}

export function nativeErrors(logger: Logger): ErrorReplies {
  return {
    errorType: PROBLEM_CONTENT_TYPE,
    notFound: () => notFound('there is no such path'),
    notAllowed,
    fromAnotherSite: () => ({
      ...problemReply(buildProblem('forbidden', 'pages of other sites may not call or change anything here')),
      headers: { connection: 'close' },
    }),
    wrongHost: () =>
      problemReply({
        type: 'unknown-host',
        title: 'Not a host of this port',
        status: WRONG_HOST_STATUS,
        detail: WRONG_HOST_DETAIL,
      }),
    failed,
    logFault: (error, request) => {
      logger.error({ event: 'native.failed', ...request, err: error }, 'a request could not be answered');
    },
  };
}

export function notFound(detail: string): Reply {
  return problemReply(buildProblem('not-found', detail));
}

export function notAllowed(methods: readonly string[]): Reply {
  const allow = methods.join(', ');
  const reply = problemReply(buildProblem('method-not-allowed', `only ${allow} is understood here`));
  return { ...reply, headers: { allow } };
}

function problemReply<Problem extends { readonly status: number }>(problem: Problem): Reply {
  return { status: problem.status, body: problem };
}

/** An error that is none of the platform's says nothing of itself to the caller. */
function failed(error: PlatformError | undefined): Reply {
  if (!error) return problemReply(buildProblem('internal', 'see the log'));
  const [status, title, retryAfterS] = PROBLEMS[error.code];
  const { facts, thrown } = error;
  const errors = fieldErrorsOf(error);
  const reply = problemReply({
    type: error.code,
    title,
    status,
    detail: error.message,
    ...(errors ? { errors } : {}),
    // What the handler threw, for the caller who wrote it.
    ...(thrown ? { thrown } : {}),
    ...(facts ? { requestId: facts.requestId, instanceId: facts.instanceId, logs: facts.logs } : {}),
  });
  return retryAfterS === undefined ? reply : { ...reply, headers: { 'retry-after': String(retryAfterS) } };
}

function fieldErrorsOf(error: PlatformError): readonly FieldError[] | undefined {
  if (error instanceof InvalidFields) return error.errors;
  if (error.field === undefined) return undefined;
  return [{ pointer: `/${error.field.replaceAll('.', '/')}`, message: error.message }];
}

/** Everything that a schema finds wrong with a body, at once. */
class InvalidFields extends PlatformError {
  readonly errors: readonly FieldError[];
  constructor(errors: readonly FieldError[]) {
    super('input-invalid', errors.map(({ pointer, message }) => `${pointer || 'the body'} ${message}`).join('; '));
    this.errors = errors;
  }
}

/** The body as the schema reads it. Throws `input-invalid` with every field that is wrong. */
export function readAs<Schema extends z.ZodType>(schema: Schema, body: unknown): z.infer<Schema> {
  const parsed = schema.safeParse(body);
  if (!parsed.success) throw new InvalidFields(fieldErrors(parsed.error.issues));
  return parsed.data;
}

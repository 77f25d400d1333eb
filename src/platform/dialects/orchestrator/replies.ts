import type { Logger } from 'pino';
import type { z } from 'zod';
import { PlatformError, type PlatformErrorCode } from '../../model/platform-error.ts';
import type { Reply } from '../../model/reply.ts';
import { WRONG_HOST_DETAIL, WRONG_HOST_STATUS } from '../guards.ts';
import type { ErrorReplies } from '../route-listener.ts';

/** A fault of a handler is its function's 500, as the orchestrator has it; the platform's own refusals say which they are. */
const STATUS: Readonly<Record<PlatformErrorCode, readonly [status: number, retryAfterS?: number]>> = {
  'function-unknown': [404],
  'version-unknown': [404],
  'trigger-unknown': [404],
  'queue-unknown': [404],
  'name-taken': [409],
  'no-code': [409],
  'not-active': [409],
  'input-invalid': [400],
  'code-invalid': [400],
  'code-too-large': [413],
  'runtime-unavailable': [501],
  overloaded: [429, 1],
  'queue-full': [429, 1],
  'wait-timeout': [503, 5],
  'memory-exhausted': [503, 30],
  'concurrency-zero': [429, 1],
  'depth-exceeded': [508],
  'payload-too-large': [413],
  stopping: [503, 30],
  'init-failed': [500],
  'handler-failed': [500],
  timeout: [500],
  crashed: [500],
  'out-of-memory': [500],
  'result-too-large': [500],
  unreachable: [500],
};

/** With line breaks, for people. */
export function ok(body: unknown): Reply {
  return { status: 200, body: pretty(body) };
}

export function created(body: unknown, { location }: { location: string }): Reply {
  return { status: 201, body: pretty(body), headers: { location } };
}

export function pretty(body: unknown): Buffer {
  return Buffer.from(JSON.stringify(body, undefined, 2));
}

/** What goes wrong is `{"error": text}`. */
export function orchestratorErrors(logger: Logger): ErrorReplies {
  return {
    notFound: () => errorReply(404, 'Not Found'),
    notAllowed: (methods) => ({ ...errorReply(405, 'Method Not Allowed'), headers: { allow: methods.join(', ') } }),
    fromAnotherSite: () => errorReply(403, 'Forbidden: pages of other sites may not do this'),
    wrongHost: () => errorReply(WRONG_HOST_STATUS, WRONG_HOST_DETAIL),
    failed: (error) =>
      error ? failureReply(error, { error: textOf(error) }) : errorReply(500, 'Internal Server Error'),
    logFault: (error, request) => {
      logger.error({ event: 'orchestrator.failed', ...request, err: error }, 'a request could not be answered');
    },
  };
}

export function textOf({ thrown, message }: PlatformError): string {
  return thrown ? `${thrown.errorType}: ${message}` : message;
}

export function failureReply({ code }: PlatformError, body: unknown): Reply {
  const [status, retryAfterS] = STATUS[code];
  return {
    status,
    body,
    ...(retryAfterS === undefined ? {} : { headers: { 'retry-after': String(retryAfterS) } }),
  };
}

function errorReply(status: number, error: string): Reply {
  return { status, body: { error } };
}

/** The body as the schema reads it. Throws `input-invalid` that names every field that is wrong. */
export function readAs<Schema extends z.ZodType>(schema: Schema, body: unknown): z.infer<Schema> {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  throw new PlatformError('input-invalid', faultsIn(parsed.error));
}

/** Everything that a schema complains of, in one line: `timeout must be 1 or more; …`. */
export function faultsIn(
  { issues }: z.ZodError,
  { nameOf = (field) => field, within = [] }: { nameOf?: (field: string) => string; within?: readonly string[] } = {},
): string {
  const faults = new Set(
    issues.map(({ path, message }) => {
      const field = [...within, ...path.map((part) => nameOf(String(part)))].join('.');
      return `${field || 'the function'} ${message}`;
    }),
  );
  return [...faults].join('; ');
}

/** Throws `input-invalid` in the orchestrator's words. */
export function jsonOf(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    throw new PlatformError('input-invalid', 'Invalid request body');
  }
}

import type { ServerResponse } from 'node:http';
import type { z } from 'zod';
import { PlatformError, type PlatformErrorCode } from '../../model/platform-error.ts';
import { endWith } from '../end-with.ts';

/** As everything is answered here: what went wrong is `{"error": text}`. */
export interface Reply {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** With line breaks, for people. */
  readonly isPretty?: boolean;
}

/** What a handler does wrong is its function's 500, as the orchestrator has it; the platform's own refusals say which they are. */
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

export function ok(body: unknown): Reply {
  return { status: 200, body, isPretty: true };
}

export function notFound(): Reply {
  return { status: 404, body: { error: 'Not Found' } };
}

export function forbidden(): Reply {
  return { status: 403, body: { error: 'Forbidden: pages of other sites may not do this' } };
}

export function notAllowed(allow: string): Reply {
  return { status: 405, body: { error: 'Method Not Allowed' }, headers: { allow } };
}

/** Undefined: an error of this program, of which the caller learns nothing. */
export function replyOf(error: unknown): Reply | undefined {
  if (!(error instanceof PlatformError)) return undefined;
  const [status, retryAfterS] = STATUS[error.code];
  return {
    status,
    body: { error: error.thrown ? `${error.thrown.errorType}: ${error.message}` : error.message },
    ...(retryAfterS === undefined ? {} : { headers: { 'retry-after': String(retryAfterS) } }),
  };
}

export function send(response: ServerResponse, { status, body, headers = {}, isPretty = false }: Reply): void {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  // A body that is not read to its end would be taken for the next request.
  const end = response.req.complete ? {} : { connection: 'close' };
  // These two have no body, whatever a handler says.
  if (status === 204 || status === 304) {
    response.writeHead(status, { ...headers, ...end });
    response.end();
    return;
  }
  const bytes = Buffer.from(JSON.stringify(body, undefined, isPretty ? 2 : undefined));
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': bytes.length,
    ...headers,
    ...end,
  });
  endWith(response, bytes);
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

/** What is no JSON is told in the orchestrator's words. */
export function jsonOf(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    throw new PlatformError('input-invalid', 'Invalid request body');
  }
}

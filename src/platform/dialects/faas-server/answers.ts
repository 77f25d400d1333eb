import type { ServerResponse } from 'node:http';
import { PlatformError, type PlatformErrorCode } from '../../model/platform-error.ts';
import { endWith } from '../end-with.ts';

export interface Answer {
  readonly status: number;
  /** JSON, written or to be written. */
  readonly body: Buffer | object;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Whose fault it is decides; everything that went wrong in a function is 500. */
const STATUS: Partial<Record<PlatformErrorCode, readonly [status: number, retryAfterS?: number]>> = {
  'function-unknown': [404],
  'version-unknown': [404],
  'input-invalid': [400],
  'payload-too-large': [413],
  overloaded: [503, 1],
  'queue-full': [503, 1],
  'wait-timeout': [503, 5],
  'memory-exhausted': [503, 30],
  stopping: [503, 30],
};

export function sendJson(response: ServerResponse, { status, body, headers }: Answer): void {
  if (response.headersSent || response.destroyed) return;
  const bytes = Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body));
  const { complete } = response.req;
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': bytes.length,
    // A large body that nobody reads would have to be sent to its end first.
    ...(status === 413 && !complete ? { connection: 'close' } : {}),
    ...headers,
  });
  endWith(response, bytes);
}

export function answerOf(error: unknown): Answer {
  const [status, retryAfterS] = (error instanceof PlatformError && STATUS[error.code]) || [500];
  const headers = retryAfterS === undefined ? undefined : { 'retry-after': String(retryAfterS) };
  return { status, body: { error: messageOf(error) }, ...(headers ? { headers } : {}) };
}

/** What is none of ours says nothing of itself to the caller. */
export function messageOf(error: unknown): string {
  return error instanceof PlatformError ? error.message : 'something went wrong here; see the log';
}

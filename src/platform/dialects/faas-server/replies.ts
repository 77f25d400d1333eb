import type { Logger } from 'pino';
import { PlatformError, type PlatformErrorCode } from '../../model/platform-error.ts';
import type { Reply } from '../../model/reply.ts';
import { WRONG_HOST_DETAIL, WRONG_HOST_STATUS } from '../guards.ts';
import type { ErrorReplies } from '../route-listener.ts';

/** By the side that is at fault; everything that went wrong in a function is 500. */
const STATUS: Partial<Record<PlatformErrorCode, readonly [status: number, retryAfterS?: number]>> = {
  'function-unknown': [404],
  'version-unknown': [404],
  'not-active': [404],
  'input-invalid': [400],
  'payload-too-large': [413],
  overloaded: [503, 1],
  'queue-full': [503, 1],
  'wait-timeout': [503, 5],
  'memory-exhausted': [503, 30],
  stopping: [503, 30],
};

export function faasErrors(logger: Logger): ErrorReplies {
  return {
    notFound: () => errorReply(404, 'there is no such path'),
    notAllowed: (methods) => {
      const allow = methods.flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : method)).join(', ');
      return { ...errorReply(405, `only ${allow} is understood here`), headers: { allow } };
    },
    fromAnotherSite: () => errorReply(403, 'pages of other sites may not do this'),
    wrongHost: () => errorReply(WRONG_HOST_STATUS, WRONG_HOST_DETAIL),
    failed: (error) => {
      const [status, retryAfterS] = (error && STATUS[error.code]) || [500];
      const reply = errorReply(status, messageOf(error));
      return retryAfterS === undefined ? reply : { ...reply, headers: { 'retry-after': String(retryAfterS) } };
    },
    logFault: (error, request) => {
      logger.error({ event: 'faas-server.failed', ...request, err: error }, 'a request could not be answered');
    },
  };
}

export function ok(body: Buffer | object): Reply {
  return { status: 200, body };
}

export function errorReply(status: number, error: string): Reply {
  return { status, body: { error } };
}

/** An error that is none of the platform's says nothing of itself to the caller. */
export function messageOf(error: unknown): string {
  return error instanceof PlatformError ? error.message : 'something went wrong here; see the log';
}

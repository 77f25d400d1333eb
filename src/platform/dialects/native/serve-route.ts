import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import { buildProblem } from '../../../contract/problem.ts';
import { PlatformError } from '../../model/platform-error.ts';
import type { HttpRoute, Triggers } from '../../model/triggers.ts';
import { depthOf } from '../call-depth.ts';
import { callerOf } from '../caller.ts';
import { readResult } from '../function-result.ts';
import { eventOf, sendResult } from '../http-event.ts';
import { readBody } from '../read-body.ts';
import { StreamedAnswer, type StreamHead } from '../streamed-answer.ts';
import { notAllowed, sendError, sendJson } from './problem.ts';

/** What stands before the path of a trigger: functions cannot take paths of the platform's own. */
export const ROUTES = '/routes/';

const BRACE = '{'.charCodeAt(0);
const HEAD_END = Buffer.alloc(8);

export interface RouteOptions {
  /** Behind the prefix, as it came, with its slash. */
  readonly path: string;
  readonly query: string;
  readonly triggers: Triggers;
  readonly payloadMaxBytes: number;
  readonly logger: Logger;
}

/** One request for a function that answers on this path. What the function returns is the answer, not a report about it. */
export function serveRoute(request: IncomingMessage, response: ServerResponse, options: RouteOptions): void {
  const { path, triggers, payloadMaxBytes } = options;
  const route = triggers.matchHttp(request.method ?? 'GET', path);
  if (!route) {
    sendJson(response, 404, buildProblem('not-found', 'no trigger has this path'));
    return;
  }
  if (route.kind === 'wrong-method') {
    const { status, body, headers } = notAllowed(route.allow.join(', '));
    sendJson(response, status, body, headers);
    return;
  }
  readBody(request, payloadMaxBytes, (error, bytes) => {
    if (error) {
      sendError(response, error);
      return;
    }
    answer(request, response, { route, bytes, ...options }).catch((failure: unknown) => {
      if (!(failure instanceof PlatformError) && !response.destroyed) {
        options.logger.error({ event: 'native.failed', path, err: failure }, 'a route could not be answered');
      }
      sendError(response, failure);
    });
  });
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { route, bytes, path, query, triggers }: RouteOptions & { route: HttpRoute; bytes: Buffer },
): Promise<void> {
  const { trigger, params } = route;
  const payload = eventOf(request, { path, query: new URLSearchParams(query), params, bytes });
  const stream = new StreamedAnswer(response, { readHead });
  const call = { payload, depth: depthOf(request), signal: callerOf(response), onChunk: stream.onChunk };
  const { body } = await triggers.fire(trigger, call);
  if (stream.hasBegun) stream.end();
  else sendResult(response, body);
}

/**
 * A stream may begin as those of AWS Lambda do: with JSON of a status and headers, and eight zero bytes, in its first chunk.
 */
function readHead(first: Uint8Array): StreamHead {
  const bytes = Buffer.from(first.buffer, first.byteOffset, first.byteLength);
  const end = bytes[0] === BRACE ? bytes.indexOf(HEAD_END) : -1;
  if (end < 0) return { status: 200, headers: {}, body: first };
  const { statusCode, headers = {} } = readResult(bytes.subarray(0, end));
  return { status: statusCode, headers, body: bytes.subarray(end + HEAD_END.length) };
}

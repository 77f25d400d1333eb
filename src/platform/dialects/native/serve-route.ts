import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import { buildProblem } from '../../../contract/problem.ts';
import { PlatformError } from '../../platform-error.ts';
import type { HttpRoute, Triggers } from '../../triggers/triggers.ts';
import { depthOf } from '../call-depth.ts';
import { eventOf, sendResult } from '../orchestrator/http-trigger.ts';
import { readBody } from '../read-body.ts';
import { callerOf } from './invoke.ts';
import { notAllowed, sendError, sendJson } from './problem.ts';

/** What stands before the path of a trigger: functions cannot take paths of the platform's own. */
export const ROUTES = '/routes/';

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
  const { body } = await triggers.fire(trigger, { payload, depth: depthOf(request), signal: callerOf(response) });
  sendResult(response, body);
}

import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import { matchRoute, type Route } from '../../../contract/paths.ts';
import { buildProblem } from '../../../contract/problem.ts';
import { PROMETHEUS_CONTENT_TYPE } from '../../../telemetry/prometheus-text.ts';
import type { ControlPlane, WireReply } from '../../control-plane/control-plane.ts';
import type { FunctionRecord } from '../../model/function-record.ts';
import type { Invoker } from '../../model/invocation.ts';
import { PlatformError } from '../../model/platform-error.ts';
import type { Triggers } from '../../model/triggers.ts';
import { isFromAnotherOrigin } from '../cross-origin.ts';
import { WRONG_HOST_DETAIL, WRONG_HOST_STATUS } from '../host-guard.ts';
import { parseJson, readBody } from '../read-body.ts';
import { invoke } from './invoke.ts';
import type { NativeApi } from './native-api.ts';
import { sendError, sendJson } from './problem.ts';
import { ROUTES, serveRoute } from './serve-route.ts';

export interface NativeDialectOptions {
  readonly api: NativeApi;
  readonly controlPlane: ControlPlane;
  readonly invoker: Invoker;
  readonly triggers: Triggers;
  readonly metricsPage: () => string;
  /** Pages of others on this port; false: not one of them. */
  readonly morePages?: ((request: IncomingMessage, response: ServerResponse) => boolean) | undefined;
  readonly isReady: () => boolean;
  readonly logger: Logger;
  readonly version: string;
  readonly payloadMaxBytes: number;
}

const FUNCTIONS = '/v1/functions/';
const INVOKE = '/invoke';
const WIRE_BODY_MAX_BYTES = 64 * 1024;
/** A zip of 50 MiB as base64, and the rest of the request. */
const API_BODY_MAX_BYTES = 72 * 2 ** 20;

/** The platform's own port: calls, the control plane, the rest of the API, metrics and health. */
export function nativeDialect(options: NativeDialectOptions): RequestListener {
  return (request, response) => {
    try {
      const { method, url = '/' } = request;
      if (changesSomething(method) && !url.startsWith(ROUTES) && isFromAnotherOrigin(request)) {
        const problem = buildProblem('forbidden', 'pages of other sites may not call or change anything here');
        sendJson(response, 403, problem, { connection: 'close' });
        return;
      }
      // The one path that must be fast: found by its two ends, without taking the URL apart.
      if (method === 'POST' && url.startsWith(FUNCTIONS) && url.endsWith(INVOKE)) {
        const versionId = versionOfCall(url.slice(FUNCTIONS.length, -INVOKE.length), options.api);
        invoke(request, response, { versionId, ...options });
        return;
      }
      answer(request, response, options);
    } catch (error) {
      fail(request, response, { error, logger: options.logger });
    }
  };
}

export function refuseHost(response: ServerResponse): void {
  const status = WRONG_HOST_STATUS;
  sendJson(response, status, {
    type: 'unknown-host',
    title: 'Not a host of this port',
    status,
    detail: WRONG_HOST_DETAIL,
  });
}

function changesSomething(method: string | undefined): boolean {
  return method !== 'GET' && method !== 'HEAD';
}

/** `{function}` or `{function}/versions/{version}`. */
function versionOfCall(path: string, api: NativeApi): string {
  const slash = path.indexOf('/');
  if (slash < 0) return activeVersionOf(api.find(decoded(path)));
  const [id = '', part, versionId = '', ...rest] = path.split('/');
  if (part !== 'versions' || rest.length > 0) throw new PlatformError('function-unknown', 'there is no such path');
  return api.versionOf(api.find(decoded(id)), decoded(versionId)).versionId;
}

function activeVersionOf({ activeVersionId }: FunctionRecord): string {
  if (activeVersionId !== undefined) return activeVersionId;
  throw new PlatformError('not-active', 'the function has no active version');
}

function decoded(segment: string): string {
  if (!segment.includes('%')) return segment;
  try {
    return decodeURIComponent(segment);
  } catch {
    throw new PlatformError('function-unknown', 'the path is not encoded as a URL is');
  }
}

function answer(request: IncomingMessage, response: ServerResponse, options: NativeDialectOptions): void {
  const { method = 'GET', url = '/' } = request;
  // Cut by hand: a URL would resolve dots, and refuse paths that are merely not there.
  const mark = url.indexOf('?');
  const [path, search] = mark < 0 ? [url, ''] : [url.slice(0, mark), url.slice(mark + 1)];
  if (method === 'GET' && answerPage(path, response, options)) return;
  if (path.startsWith(ROUTES)) {
    serveRoute(request, response, { path: path.slice(ROUTES.length - 1), query: search, ...options });
    return;
  }
  if (options.morePages?.(request, response)) return;
  const route = matchRoute(url);
  const maxBytes = route ? WIRE_BODY_MAX_BYTES : API_BODY_MAX_BYTES;
  readBody(request, maxBytes, (error, bytes) => {
    if (error && route && error instanceof PlatformError && error.code === 'payload-too-large') {
      send(response, { status: 413, body: buildProblem('too-large', error.message) });
      return;
    }
    if (error) {
      sendError(response, error);
      return;
    }
    const read = { request, path, query: new URLSearchParams(search), bytes };
    const work = route ? answerWire(route, read, options) : answerApi(read, options);
    work.then(
      (reply) => send(response, reply),
      (thrown: unknown) => fail(request, response, { error: thrown, logger: options.logger }),
    );
  });
}

interface ReadRequest {
  readonly request: IncomingMessage;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly bytes: Buffer;
}

async function answerWire(
  route: Route,
  { request, query, bytes }: ReadRequest,
  { controlPlane }: NativeDialectOptions,
): Promise<WireReply> {
  const { method = 'GET', headers } = request;
  return controlPlane.answer(route, { method, headers, query, body: jsonOrNothing(bytes) });
}

async function answerApi(
  { request, path, query, bytes }: ReadRequest,
  { api }: NativeDialectOptions,
): Promise<WireReply> {
  const [root, area, ...rest] = path.split('/');
  const reply =
    root === '' && area === 'v1'
      ? await api.answer({
          method: request.method ?? 'GET',
          segments: rest.map(decoded),
          query,
          body: () => parseJson(bytes),
          bytes,
        })
      : undefined;
  return reply ?? { status: 404, body: buildProblem('not-found', 'there is no such path') };
}

/** The few pages that are not part of the API. */
function answerPage(path: string, response: ServerResponse, options: NativeDialectOptions): boolean {
  switch (path) {
    case '/':
      sendJson(response, 200, {
        name: 'Starling platform',
        version: options.version,
        endpoints: {
          functions: '/v1/functions',
          invoke: '/v1/functions/{id}/invoke',
          triggers: '/v1/triggers',
          routes: '/routes/{path}',
          queues: '/v1/queues/{queue}/messages',
          instances: '/v1/instances',
          invocations: '/v1/invocations',
          stats: '/v1/stats',
          scalingTargets: '/v1/scaling-targets',
          metrics: '/metrics',
          health: '/health',
        },
      });
      return true;
    case '/health': {
      const isReady = options.isReady();
      sendJson(response, isReady ? 200 : 503, { status: isReady ? 'healthy' : 'stopping' });
      return true;
    }
    case '/metrics': {
      const page = Buffer.from(options.metricsPage());
      response.writeHead(200, { 'content-type': PROMETHEUS_CONTENT_TYPE, 'content-length': page.length });
      response.end(page);
      return true;
    }
    default:
      return false;
  }
}

/** The contract tells what is wrong with a body that is no JSON; it only has to hear of it. */
function jsonOrNothing(bytes: Buffer): unknown {
  try {
    return parseJson(bytes);
  } catch {
    return undefined;
  }
}

function send(response: ServerResponse, { status, body, headers }: WireReply): void {
  if (body !== undefined) {
    sendJson(response, status, body, headers);
    return;
  }
  response.writeHead(status, headers);
  response.end();
}

function fail(
  request: IncomingMessage,
  response: ServerResponse,
  { error, logger }: { error: unknown; logger: Logger },
): void {
  if (!(error instanceof PlatformError) && !(error instanceof Error && 'problem' in error)) {
    logger.error({ event: 'native.failed', method: request.method, err: error }, 'a request could not be answered');
  }
  sendError(response, error);
}

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import type { Logger } from 'pino';
import { listen } from '../../lib/listen.ts';
import { QueryError } from '../promql/query-error.ts';
import { PatternError } from '../storage/pattern.ts';
import { ApiError } from './api-error.ts';
import type { MetricsApi } from './metrics-api.ts';
import { sendJson } from './send-json.ts';

export interface MetricsServerOptions {
  readonly address: { readonly host: string; readonly port: number };
  readonly api: MetricsApi;
  /** Takes a page of samples; throws what is wrong with it. */
  readonly takeSamples: (page: string) => Promise<void>;
  readonly logger: Logger;
  readonly formMaxBytes: number;
  readonly importMaxBytes: number;
}

const REQUEST_TIMEOUT_MS = 60_000;
const HEADERS_TIMEOUT_MS = 10_000;

const unpack = promisify(gunzip);

/** Speaks Prometheus' HTTP API. */
export async function serveMetrics(options: MetricsServerOptions): Promise<{ server: Server; port: number }> {
  const { address } = options;
  const timeouts = { requestTimeout: REQUEST_TIMEOUT_MS, headersTimeout: HEADERS_TIMEOUT_MS };
  const server = createServer(timeouts, (request, response) => {
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    answer(request, response, { ...options, signal: gone.signal }).catch((error: unknown) => {
      // Callers may go away as they like.
      if (gone.signal.aborted) return;
      options.logger.error({ event: 'metrics-store.answer-failed', err: error }, 'an answer could not be sent');
      response.destroy();
    });
  });
  return { server, port: await listen(server, { ...address, what: 'the metrics store' }) };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  options: MetricsServerOptions & { signal: AbortSignal },
): Promise<void> {
  let status = 200;
  let parts: Iterable<string>;
  try {
    const url = new URL(request.url ?? '/', 'http://metrics-store');
    if (url.pathname === '/-/ready' || url.pathname === '/-/healthy') {
      response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8', 'Cache-Control': 'no-store' });
      response.end('The metrics store is ready.\n');
      return;
    }
    const data = await dataOf(request, url, options);
    if (data === undefined) {
      response.writeHead(204).end();
      return;
    }
    parts = enveloped(data);
  } catch (error) {
    const fault = faultOf(error, options.logger);
    status = fault.status;
    parts = [JSON.stringify({ status: 'error', errorType: fault.type, error: fault.message })];
    // The rest of an unread body must not be taken for the next request.
    if (!request.complete) response.setHeader('Connection', 'close');
  }
  await sendJson(request, response, { status, parts });
}

function* enveloped(data: Iterable<string>): Generator<string> {
  yield '{"status":"success","data":';
  yield* data;
  yield '}';
}

/** The JSON text of the data; undefined for an answer without. */
async function dataOf(
  request: IncomingMessage,
  url: URL,
  options: MetricsServerOptions & { signal: AbortSignal },
): Promise<Iterable<string> | undefined> {
  const { api, signal } = options;
  const path = url.pathname;
  if (path === '/api/v1/import/prometheus') {
    allow(request, ['POST']);
    refusePages(request);
    await options.takeSamples(await readBody(request, options.importMaxBytes));
    return undefined;
  }
  const values = /^\/api\/v1\/label\/([^/]+)\/values$/.exec(path)?.[1];
  if (values !== undefined) {
    allow(request, ['GET']);
    return api.labelValues(decoded(values), url.searchParams);
  }
  switch (path) {
    case '/api/v1/query':
      return api.query(await parametersOf(request, url, options), signal);
    case '/api/v1/query_range':
      return api.queryRange(await parametersOf(request, url, options), signal);
    case '/api/v1/labels':
      return api.labelNames(await parametersOf(request, url, options));
    case '/api/v1/series':
      return api.series(await parametersOf(request, url, options));
    case '/api/v1/status/buildinfo':
      allow(request, ['GET']);
      return api.buildInformation();
    default:
      throw new ApiError(
        'not_found',
        `there is no ${path} here; the metrics store serves a part of Prometheus' API: query, query_range, labels, label values, series, status/buildinfo and import/prometheus`,
      );
  }
}

/** Of the address, and of the form when it is posted. */
async function parametersOf(
  request: IncomingMessage,
  url: URL,
  options: MetricsServerOptions,
): Promise<URLSearchParams> {
  allow(request, ['GET', 'POST']);
  if (request.method !== 'POST') return url.searchParams;
  const form = new URLSearchParams(await readBody(request, options.formMaxBytes));
  // As in Go: what is posted stands before what is in the address.
  for (const [name, value] of url.searchParams) form.append(name, value);
  return form;
}

/** The whole body as text, unpacked when it came packed; never more than `maxBytes` of either. */
async function readBody(request: IncomingMessage, maxBytes: number): Promise<string> {
  const tooLarge = () => new ApiError('bad_data', `the body is larger than ${maxBytes} bytes`, 413);
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) throw tooLarge();
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw tooLarge();
    chunks.push(chunk);
  }
  const body = Buffer.concat(chunks);
  const encoding = request.headers['content-encoding'] ?? 'identity';
  if (encoding === 'identity') return body.toString('utf8');
  if (encoding !== 'gzip')
    throw new ApiError('bad_data', `content-encoding ${encoding} is not supported; send gzip or none`, 415);
  try {
    return (await unpack(body, { maxOutputLength: maxBytes })).toString('utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge();
    throw new ApiError('bad_data', 'the body is not gzip');
  }
}

/** Any page on the web can post to this machine's ports unasked. Browsers then send its origin, and other clients do not. */
function refusePages(request: IncomingMessage): void {
  if (request.headers.origin === undefined) return;
  throw new ApiError('bad_data', 'samples are not taken from web pages: the request has an Origin', 403);
}

function allow(request: IncomingMessage, methods: readonly string[]): void {
  const method = request.method === 'HEAD' ? 'GET' : (request.method ?? 'GET');
  if (!methods.includes(method))
    throw new ApiError('bad_data', `this path takes ${methods.join(' and ')}, not ${method}`, 405);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new ApiError('bad_data', `invalid label name: ${JSON.stringify(text)}`);
  }
}

function faultOf(error: unknown, logger: Logger): ApiError {
  if (error instanceof ApiError) return error;
  if (error instanceof QueryError) return new ApiError(error.kind, error.message);
  if (error instanceof PatternError) return new ApiError('bad_data', error.message);
  logger.error({ event: 'metrics-store.fault', err: error }, 'a request could not be answered');
  return new ApiError('internal', 'the metrics store could not answer this; its log says why');
}

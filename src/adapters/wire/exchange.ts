import type { Readable } from 'node:stream';
import axios, { type AxiosResponse } from 'axios';
import { type Outcome, type Unanswered, unanswered } from './outcome.ts';
import type { Agents } from './tls.ts';

export interface HttpRequest {
  readonly method: 'GET' | 'PUT' | 'POST' | 'PATCH';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
  /** Ends it: the deadline of the caller. */
  readonly signal: AbortSignal;
  readonly agents: Agents;
}

/** An answer as it begins. */
export interface HttpHead {
  readonly status: number;
  readonly header: (name: string) => string | undefined;
}

export interface HttpAnswer extends HttpHead {
  readonly arrival: 'answered';
  readonly bytes: Buffer;
}

const NO_CONNECTION = ['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'EADDRNOTAVAIL', 'EACCES'];
const TLS_CODE = /^(?:ERR_TLS|ERR_SSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|EPROTO|HOSTNAME_MISMATCH|ERR_OSSL)/;

class TooLarge extends Error {}

/** One request, one answer, nothing behind our back: no redirects, no proxies of the environment, no parsing, no throwing on status. */
export function exchange(request: HttpRequest, { bytesMax }: { bytesMax: number }): Promise<Outcome<HttpAnswer>> {
  return exchangeStream(request, async (head, stream) => ({
    ...head,
    arrival: 'answered',
    bytes: await readBytes(stream, bytesMax),
  }));
}

/** The same for an answer that is read while it comes. What `read` throws counts as a broken connection. */
export async function exchangeStream<T>(
  { method, url, headers, body, signal, agents }: HttpRequest,
  read: (head: HttpHead, stream: Readable) => Promise<T>,
): Promise<T | Unanswered> {
  if (signal.aborted)
    return unanswered('not-sent', 'aborted', { detail: 'given up before it was sent', error: signal.reason });
  try {
    const response = await axios.request<Readable>({
      adapter: 'http',
      maxRedirects: 0,
      proxy: false,
      responseType: 'stream',
      // What goes out and comes in is text or bytes; nothing is to be guessed from it.
      transformRequest: (data: unknown) => data,
      validateStatus: () => true,
      method,
      url,
      headers,
      data: body,
      signal,
      ...agents.for(url),
    });
    return await read(headOf(response), response.data);
  } catch (error) {
    return unansweredOf(error, signal);
  }
}

export interface JsonAnswer extends HttpHead {
  readonly arrival: 'answered';
  /** `page`: HTML or other text, so not what we meant to talk to. `broken`: JSON that is cut off. */
  readonly bodyKind: 'json' | 'empty' | 'page' | 'broken';
  readonly body: unknown;
  readonly contentType: string;
  /** How long to stay away; undefined when it does not say. */
  readonly retryAfterMs: number | undefined;
}

export function asJson(answer: Outcome<HttpAnswer>, nowWallMs: number): Outcome<JsonAnswer> {
  if (answer.arrival !== 'answered') return answer;
  const { status, header, bytes, arrival } = answer;
  const contentType = header('content-type')?.split(';')[0]?.trim().toLowerCase() ?? '';
  return {
    arrival,
    status,
    header,
    contentType,
    retryAfterMs: retryAfter(header, nowWallMs),
    ...parse(bytes, contentType),
  };
}

function parse(bytes: Buffer, contentType: string): Pick<JsonAnswer, 'bodyKind' | 'body'> {
  const text = bytes.toString('utf8').replace(/^\uFEFF/, '');
  if (text.trim() === '') return { bodyKind: 'empty', body: undefined };
  const isJson = contentType === 'application/json' || contentType.endsWith('+json');
  if (!isJson) return { bodyKind: 'page', body: undefined };
  const body = jsonOf(text);
  return { bodyKind: body === undefined ? 'broken' : 'json', body };
}

/** Undefined when it is no JSON. */
export function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * Takes in the body of an answer. Not left to axios: what it gathers by itself hangs on the kept-alive connection until
 * the next answer comes that way, twice over, which was 40 MB for a fleet of 100,000.
 */
export async function readBytes(stream: Readable, bytesMax: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > bytesMax) throw new TooLarge(`the answer is larger than ${bytesMax} bytes`);
    chunks.push(chunk);
  }
  const body = Buffer.concat(chunks, bytes);
  for (const chunk of chunks) giveBack(chunk);
  return body;
}

/** At once, and not with some collection to come: what waits for one here was as much as is in use. */
function giveBack({ buffer, byteLength }: Buffer): void {
  // Where it is a piece of something, others may still have theirs.
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0);
}

function headOf({ status, headers }: AxiosResponse): HttpHead {
  return {
    status,
    header: (name) => {
      const value: unknown = headers[name];
      return typeof value === 'string' ? value : undefined;
    },
  };
}

/** What a request that threw has come to. */
export function unansweredOf(error: unknown, signal: AbortSignal): Unanswered {
  const { code, message } = describe(error);
  // Most messages begin or end with the code already; some are empty.
  const reason = message.includes(code) ? message : `${code} ${message}`;
  const said = (detail: string) => ({ detail, reason, error });
  if (signal.aborted)
    return unanswered('unknown', 'aborted', { detail: 'given up before the answer came', error: signal.reason });
  if (error instanceof TooLarge) return unanswered('unknown', 'too-large', said(message));
  if (NO_CONNECTION.includes(code)) return unanswered('not-sent', 'refused', said(`no connection: ${message}`));
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    return unanswered('not-sent', 'unresolved', said(`the name does not resolve: ${message}`));
  }
  // Handshakes end before any request is read. Expired and foreign certificates both end here.
  if (TLS_CODE.test(code)) {
    return unanswered('not-sent', 'tls', said(`no trusted connection: ${message} (${code})`));
  }
  return unanswered('unknown', 'reset', said(`the connection broke: ${message}`));
}

function describe(error: unknown): { code: string; message: string } {
  if (!(error instanceof Error)) return { code: '', message: String(error) };
  // Several addresses tried, all failed: the first failure says why.
  const cause = error.cause instanceof AggregateError ? error.cause.errors[0] : error;
  const shown: unknown = cause instanceof Error ? cause : error;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  return { code, message: shown instanceof Error && shown.message !== '' ? shown.message : code };
}

/** No answer is believed that says to stay away for longer. */
const RETRY_AFTER_MAX_MS = 300_000;

/**
 * How long to stay away, from Retry-After in seconds or as a date. A date is measured against the answer's own Date where
 * there is one: two clocks that disagree would make the pause endless or nothing.
 */
function retryAfter(header: (name: string) => string | undefined, nowWallMs: number): number | undefined {
  const text = header('retry-after')?.trim();
  if (!text) return undefined;
  if (/^\d{1,9}$/.test(text)) return Math.min(Number(text) * 1_000, RETRY_AFTER_MAX_MS);
  const untilMs = Date.parse(text);
  if (Number.isNaN(untilMs) || !/[a-z]/i.test(text)) return undefined;
  const answerWallMs = Date.parse(header('date') ?? '');
  const fromMs = Number.isNaN(answerWallMs) ? nowWallMs : answerWallMs;
  return Math.min(Math.max(0, untilMs - fromMs), RETRY_AFTER_MAX_MS);
}

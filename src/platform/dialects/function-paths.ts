import type { IncomingMessage } from 'node:http';
import type { Namespace } from '../model/function-record.ts';
import { PlatformError } from '../model/platform-error.ts';
import type { Reply } from '../model/reply.ts';
import type { HttpRoute, Triggers } from '../model/triggers.ts';
import { callerOf, depthOf } from './caller.ts';
import { readResult } from './function-result.ts';
import type { RouteRequest } from './route.ts';
import type { ErrorReplies } from './route-listener.ts';
import { StreamedReply, type StreamHead } from './streamed-reply.ts';

export interface FunctionPathOptions {
  /** Of the function's route, as it came. */
  readonly path: string;
  readonly triggers: Triggers;
  /** Undefined: of any dialect. */
  readonly namespace?: Namespace;
  readonly errors: Pick<ErrorReplies, 'notFound' | 'notAllowed'>;
  /** Whether what a function streams is sent as it comes. */
  readonly isStreamed: boolean;
}

/** Calls the function that has the path of a request as its own. What it returns is the reply itself, and not a report about it. */
export async function callByPath(
  incoming: RouteRequest,
  { path, triggers, namespace, errors, isStreamed }: FunctionPathOptions,
): Promise<Reply | undefined> {
  const { request, response, query, body } = incoming;
  const found = triggers.matchHttp(request.method ?? 'GET', path, namespace);
  if (!found) return errors.notFound();
  if (found.kind === 'wrong-method') return errors.notAllowed(found.allow);
  const payload = eventOf(request, { path, query, params: found.params, body });
  const call = { payload, depth: depthOf(request), signal: callerOf(response) };
  const stream = isStreamed ? new StreamedReply(response, { readHead }) : undefined;
  const result = await triggers.fire(found.trigger, { ...call, onChunk: stream?.onChunk });
  if (!stream?.hasBegun) return replyOf(result.body);
  stream.end();
  return undefined;
}

/** What the function is given: the request, taken apart. */
function eventOf(
  { method = 'GET', headers }: IncomingMessage,
  { path, query, params, body }: { path: string; query: URLSearchParams; params: HttpRoute['params']; body: Buffer },
): Buffer {
  const event = {
    method,
    path,
    headers,
    query: Object.fromEntries(query),
    params,
    ...bodyOf(body, headers['content-type'] ?? ''),
  };
  return Buffer.from(JSON.stringify(event));
}

/** JSON as what it says, text as text, and anything else as base64, so that no byte is lost. */
function bodyOf(bytes: Buffer, contentType: string): { readonly body: unknown; readonly isBase64Encoded: boolean } {
  if (bytes.length === 0) return { body: null, isBase64Encoded: false };
  const text = textOf(bytes);
  if (text === undefined) return { body: bytes.toString('base64'), isBase64Encoded: true };
  if (!/^application\/(?:[\w.-]+\+)?json\b/i.test(contentType)) return { body: text, isBase64Encoded: false };
  try {
    return { body: JSON.parse(text), isBase64Encoded: false };
  } catch {
    throw new PlatformError('input-invalid', 'Invalid request body');
  }
}

function textOf(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

function replyOf(result: Uint8Array): Reply {
  const { statusCode: status, headers = {}, body, isBase64 } = readResult(result);
  // These two have no body, and no type of one.
  if (status === 204 || status === 304) return { status, headers };
  const reply = (type: string, bytes: Buffer) => ({
    status,
    body: bytes,
    headers: { 'content-type': type, ...headers },
  });
  if (typeof body !== 'string') return reply('application/json', Buffer.from(JSON.stringify(body)));
  if (isBase64) return reply('application/octet-stream', Buffer.from(body, 'base64'));
  return reply('text/plain; charset=utf-8', Buffer.from(body));
}

const BRACE = '{'.charCodeAt(0);
const HEAD_END = Buffer.alloc(8);

/** A stream may begin as those of AWS Lambda do: with JSON of a status and headers, and eight zero bytes, in its first chunk. */
function readHead(first: Uint8Array): StreamHead {
  const bytes = Buffer.from(first.buffer, first.byteOffset, first.byteLength);
  const end = bytes[0] === BRACE ? bytes.indexOf(HEAD_END) : -1;
  if (end < 0) return { status: 200, headers: {}, body: first };
  const { statusCode, headers = {} } = readResult(bytes.subarray(0, end));
  return { status: statusCode, headers, body: bytes.subarray(end + HEAD_END.length) };
}

import type { IncomingMessage, ServerResponse } from 'node:http';
import { PlatformError } from '../model/platform-error.ts';
import type { HttpRoute } from '../model/triggers.ts';
import { endWith } from './end-with.ts';
import { type FunctionResult, readResult } from './function-result.ts';

/** What the function of a route is given: the request, taken apart. */
export function eventOf(
  { method = 'GET', headers }: IncomingMessage,
  { path, query, params, bytes }: { path: string; query: URLSearchParams; params: HttpRoute['params']; bytes: Buffer },
): Buffer {
  const event = {
    method,
    path,
    headers,
    query: Object.fromEntries(query),
    params,
    ...bodyOf(bytes, headers['content-type'] ?? ''),
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

/** What the function returned is the answer itself, not a report about it. */
export function sendResult(response: ServerResponse, result: Uint8Array): void {
  if (response.headersSent || response.destroyed) return;
  const { statusCode, headers = {}, body, isBase64 } = readResult(result);
  if (statusCode === 204 || statusCode === 304) {
    response.writeHead(statusCode, headers);
    response.end();
    return;
  }
  const { bytes, type } = bytesOf(body, isBase64);
  response.writeHead(statusCode, { 'content-type': type, ...headers, 'content-length': bytes.length });
  endWith(response, bytes);
}

function bytesOf(body: FunctionResult['body'], isBase64: boolean): { readonly bytes: Buffer; readonly type: string } {
  if (typeof body !== 'string') return { bytes: Buffer.from(JSON.stringify(body)), type: 'application/json' };
  if (isBase64) return { bytes: Buffer.from(body, 'base64'), type: 'application/octet-stream' };
  return { bytes: Buffer.from(body), type: 'text/plain; charset=utf-8' };
}

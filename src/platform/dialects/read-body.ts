import type { IncomingMessage } from 'node:http';
import { PlatformError } from '../model/platform-error.ts';

const NO_BODY = Buffer.alloc(0);

/**
 * The whole body as it came, at most `maxBytes`. Callbacks and not an iterator, which costs a promise a chunk; most bodies
 * come in one.
 */
export function readBody(request: IncomingMessage, maxBytes: number, then: BodyRead): void {
  const declared = Number(request.headers['content-length'] ?? Number.NaN);
  if (declared > maxBytes) {
    then(tooLarge(maxBytes), NO_BODY);
    return;
  }
  let first: Buffer | undefined;
  let rest: Buffer[] | undefined;
  let bytes = 0;
  let isOver = false;
  const end = (error: Error | undefined) => {
    if (isOver) return;
    isOver = true;
    then(error, error ? NO_BODY : rest ? Buffer.concat(rest) : (first ?? NO_BODY));
  };
  request.on('data', (chunk: Buffer) => {
    if (isOver) return;
    bytes += chunk.length;
    if (bytes > maxBytes) end(tooLarge(maxBytes));
    else if (!first) first = chunk;
    else if (rest) rest.push(chunk);
    else rest = [first, chunk];
  });
  request.on('end', () => end(undefined));
  request.on('error', end);
  // Comes after every request: an error, with its stack, is made only for those that broke off.
  request.on('close', () => {
    if (!isOver) end(new PlatformError('input-invalid', 'the request was broken off'));
  });
}

type BodyRead = (error: Error | undefined, body: Buffer) => void;

function tooLarge(maxBytes: number): PlatformError {
  return new PlatformError('payload-too-large', `a body is ${maxBytes} bytes at most`);
}

/** JSON of a body; throws `input-invalid` where it is none. An empty body is `undefined`. */
export function parseJson(body: Buffer): unknown {
  if (body.length === 0) return undefined;
  try {
    return JSON.parse(body.toString('utf8'));
  } catch (error) {
    throw new PlatformError('input-invalid', `the body is not JSON: ${(error as Error).message}`);
  }
}

import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { constants, createGzip } from 'node:zlib';

/** Smaller answers are not worth packing. */
const GZIP_FROM_CHARS = 4_096;
const PIECE_CHARS = 65_536;
/** A caller that takes nothing for so long is given up. */
const STALL_MS = 60_000;

/**
 * Sends JSON that is made while it is sent: an answer of ten thousands of series as one text would be garbage that lies around
 * until V8 looks through its whole heap. Rejects when the caller goes away in the middle.
 */
export async function sendJson(
  request: IncomingMessage,
  response: ServerResponse,
  { status, parts }: { status: number; parts: Iterable<string> },
): Promise<void> {
  const pieces = inPieces(parts);
  const first = pieces.next().value ?? '';
  const isPacked = first.length >= GZIP_FROM_CHARS && /\bgzip\b/.test(String(request.headers['accept-encoding'] ?? ''));
  const headers = {
    'Content-Type': 'application/json',
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    ...(isPacked && { 'Content-Encoding': 'gzip' }),
  };
  if (first.length < PIECE_CHARS && !isPacked) {
    response.writeHead(status, { ...headers, 'Content-Length': Buffer.byteLength(first) }).end(first);
    return;
  }
  response.writeHead(status, headers);
  response.setTimeout(STALL_MS, () => response.destroy());
  const source = Readable.from(withFirst(first, pieces), { objectMode: false });
  if (!isPacked) await pipeline(source, response);
  // Label sets repeat themselves so much that the quickest level packs them to a twentieth.
  else await pipeline(source, createGzip({ level: constants.Z_BEST_SPEED }), response);
}

/** Only the last is shorter than `PIECE_CHARS`. */
function* inPieces(parts: Iterable<string>): Generator<string> {
  let piece = '';
  for (const part of parts) {
    piece += part;
    if (piece.length < PIECE_CHARS) continue;
    yield piece;
    piece = '';
  }
  if (piece !== '') yield piece;
}

function* withFirst(first: string, rest: Iterable<string>): Generator<string> {
  yield first;
  yield* rest;
}

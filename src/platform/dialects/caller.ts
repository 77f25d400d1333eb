import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { PlatformError } from '../model/platform-error.ts';

const callers = new WeakMap<Socket, AbortSignal>();

/**
 * Aborts when the caller goes away. One signal for all requests of a connection, for they end together: made for each call, it
 * was a tenth of what the platform spent on a call.
 */
export function callerOf({ req: { socket } }: ServerResponse): AbortSignal {
  const known = callers.get(socket);
  if (known) return known;
  const caller = new AbortController();
  // Keeps its list of listeners from being made anew for each call, and the old lists from holding on to the calls.
  caller.signal.addEventListener('abort', () => {});
  callers.set(socket, caller.signal);
  if (socket.destroyed) caller.abort();
  else socket.once('close', () => caller.abort());
  return caller.signal;
}

const DEPTH_HEADER = 'x-starling-depth';

/**
 * How deep in calls of functions by functions a request is, as its caller says: it ends chains that go round over HTTP, and
 * gives no rights. Throws `input-invalid`.
 */
export function depthOf({ headers }: IncomingMessage): number {
  const text = headers[DEPTH_HEADER];
  if (text === undefined) return 0;
  if (typeof text === 'string' && /^[0-9]{1,3}$/.test(text)) return Number(text);
  throw new PlatformError('input-invalid', `the header ${DEPTH_HEADER} must be a whole number`);
}

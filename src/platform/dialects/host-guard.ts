import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { isIP } from 'node:net';
import { isLoopback } from '../../lib/loopback.ts';

export const WRONG_HOST_STATUS = 421;
export const WRONG_HOST_DETAIL =
  'the Host header names a host that this port does not answer to; start the platform with --allowed-host if it should';

export interface HostGuardOptions {
  /** What the port is bound to. */
  readonly boundHost: string;
  /** Names that are answered to besides, lower case, without a port. */
  readonly allowedHosts: readonly string[];
  /** In the words of the dialect. */
  readonly refuse: (response: ServerResponse) => void;
  readonly onRequest: RequestListener;
}

/**
 * A page of another site can point its own name at loopback, and is of one origin with this port then. A browser tells the
 * name all the same: on loopback only what cannot be pointed there by others is answered, which is addresses, localhost and
 * names that were allowed. Beyond loopback the port is for others anyway, and they may call it what they like.
 */
export function guardHost({ boundHost, allowedHosts, refuse, onRequest }: HostGuardOptions): RequestListener {
  if (!isLoopback(boundHost)) return onRequest;
  const allowed = new Set([...allowedHosts, boundHost.toLowerCase()]);
  // Nearly all requests have the host of the one before.
  let latest: string | undefined;
  return (request, response) => {
    const { host } = request.headers;
    // HTTP/1.0 may be without; browsers never are.
    if (host === undefined || host === latest || isAnswered(host, allowed)) {
      latest = host;
      onRequest(request, response);
    } else {
      endAfterAnswer(request, response);
      refuse(response);
    }
  };
}

function isAnswered(host: string, allowed: ReadonlySet<string>): boolean {
  const [, bracketed, plain = ''] = /^(?:\[([^\]]*)\]|([^:]*))(?::\d*)?$/.exec(host) ?? [];
  if (bracketed !== undefined) return isIP(bracketed) === 6;
  const name = plain.toLowerCase().replace(/\.$/, '');
  return name === 'localhost' || name.endsWith('.localhost') || isIP(name) === 4 || allowed.has(name);
}

/** What is left of the body is not waited for, nor taken for the next request. */
function endAfterAnswer(request: IncomingMessage, response: ServerResponse): void {
  if (!request.complete) response.setHeader('connection', 'close');
}

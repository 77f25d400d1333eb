import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { isLoopback } from '../../lib/loopback.ts';

export const WRONG_HOST_STATUS = 421;
export const WRONG_HOST_DETAIL =
  'the Host header names a host that this port does not answer to; start the platform with --allowed-host if it should';

export interface HostGuardOptions {
  /** What the port is bound to. */
  readonly boundHost: string;
  /** Further names that are answered to, lower case, without a port. */
  readonly allowedHosts: readonly string[];
}

/**
 * Whether a port answers to a Host header. A page of another site can point its own name at loopback, and is of one origin
 * with this port then. A browser sends the name all the same: on loopback only what others cannot point there is answered,
 * which is addresses, localhost and names that were allowed. Beyond loopback the port is for others anyway, and they may call
 * it what they like.
 */
export function hostGuard({ boundHost, allowedHosts }: HostGuardOptions): (host: string | undefined) => boolean {
  if (!isLoopback(boundHost)) return () => true;
  const allowed = new Set([...allowedHosts, boundHost.toLowerCase()]);
  // Nearly all requests have the host of the one before. HTTP/1.0 may be without; browsers never are.
  let latest: string | undefined;
  return (host) => {
    if (host === latest) return true;
    if (host !== undefined && !isOwnName(host, allowed)) return false;
    latest = host;
    return true;
  };
}

function isOwnName(host: string, allowed: ReadonlySet<string>): boolean {
  const [, bracketed, plain = ''] = /^(?:\[([^\]]*)\]|([^:]*))(?::\d*)?$/.exec(host) ?? [];
  if (bracketed !== undefined) return isIP(bracketed) === 6;
  const name = plain.toLowerCase().replace(/\.$/, '');
  return name === 'localhost' || name.endsWith('.localhost') || isIP(name) === 4 || allowed.has(name);
}

/**
 * Whether a page of another site sends this. Browsers let any page send to loopback what a form may send, without asking: it
 * must not be able to register code here.
 */
export function isFromAnotherSite({ headers }: IncomingMessage): boolean {
  const { origin, host = '' } = headers;
  if (origin === undefined) return false;
  try {
    return new URL(origin).host !== host.toLowerCase();
  } catch {
    // `null` is what sandboxed pages and files send.
    return true;
  }
}

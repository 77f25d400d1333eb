import type { IncomingMessage } from 'node:http';

/**
 * Whether a page of another site sends this. Browsers let any page send to loopback what a form may send, without asking: it
 * must not be able to register code here.
 */
export function isFromAnotherOrigin({ headers }: IncomingMessage): boolean {
  const { origin, host = '' } = headers;
  if (origin === undefined) return false;
  try {
    return new URL(origin).host !== host.toLowerCase();
  } catch {
    // `null` is what sandboxed pages and files send.
    return true;
  }
}

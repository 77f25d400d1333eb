import dns from 'node:dns';
import type { LookupFunction } from 'node:net';
import { isLinkLocal, isLoopback } from '../../lib/loopback.ts';

/** An address from the configuration that will not do. Says which, why, and what to write instead. */
export class AddressError extends Error {
  override name = 'AddressError';
}

/** A URL to talk to: http or https, no user in it, credentials over plain http only to this machine itself. `isWhole`: nothing is put behind it. */
export function checkAddress(
  text: string,
  { what, hasCredentials, isWhole = false }: { what: string; hasCredentials: boolean; isWhole?: boolean },
): { readonly url: string; readonly isTls: boolean } {
  if (!URL.canParse(text)) {
    throw new AddressError(`${what} is not a URL: ${JSON.stringify(text)}; write it as https://host:port`);
  }
  const url = new URL(text);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    throw new AddressError(`${what} speaks ${url.protocol} and only http: and https: are spoken here`);
  }
  if (url.username !== '' || url.password !== '') {
    throw new AddressError(`${what} has a user or password in its URL; give them by the auth settings instead`);
  }
  if ((url.search !== '' && !isWhole) || url.hash !== '') {
    throw new AddressError(`${what} has a ? or # in its URL; leave that part out`);
  }
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  if (isLinkLocal(host)) throw new AddressError(`${what} is the link-local address ${host}, which is never asked`);
  const isTls = url.protocol === 'https:';
  if (hasCredentials && !isTls && !isLoopback(host)) {
    throw new AddressError(
      `${what} is plain http on ${host}, and credentials would be readable on the way; use https, or no authentication`,
    );
  }
  return { url: isWhole ? url.href : `${url.origin}${url.pathname.replace(/\/+$/, '')}`, isTls };
}

/** Resolves as usual, and leaves out the addresses that must not be asked, whatever name they hide behind. */
export const lookupChecked: LookupFunction = (hostname, options, callback) => {
  dns.lookup(hostname, { ...options, all: true }, (error, addresses) => {
    if (error) {
      callback(error, []);
      return;
    }
    const allowed = addresses.filter(({ address }) => !isLinkLocal(address));
    const [first] = allowed;
    if (!first) {
      const refusal: NodeJS.ErrnoException = new AddressError(
        `${hostname} resolves to nothing but link-local addresses`,
      );
      refusal.code = 'ENOTFOUND';
      callback(refusal, []);
    } else if (options.all) callback(null, allowed);
    else callback(null, first.address, first.family);
  });
};

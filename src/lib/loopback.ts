import { BlockList, isIP } from 'node:net';

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

/** Where clouds keep the credentials of the machine. Nothing that is configured lives there. */
const linkLocal = new BlockList();
linkLocal.addSubnet('169.254.0.0', 16, 'ipv4');
linkLocal.addSubnet('fe80::', 10, 'ipv6');

/**
 * Whether a host can only be this machine: an address of the loopback network, or `localhost`. Takes the host of a URL, with
 * or without brackets, and what a server is bound to. Any other name may be resolved to anywhere, `127.example.com` too.
 */
export function isLoopback(host: string): boolean {
  const plain = plainHost(host);
  return plain === 'localhost' || isWithin(loopback, plain);
}

export function isLinkLocal(host: string): boolean {
  return isWithin(linkLocal, plainHost(host));
}

/** As a URL would write it: lower case, no brackets, no dot at the end, numbers such as 0x7f.1 as four bytes. */
function plainHost(host: string): string {
  const bare = host.replace(/^\[(.*)\]$/, '$1').replace(/%.*$/, '');
  if (isIP(bare) === 6) return bare;
  if (!/^[\w.-]+$/.test(bare) || !URL.canParse(`http://${bare}`)) return '';
  return new URL(`http://${bare}`).hostname.replace(/\.$/, '');
}

/** A block list takes addresses of IPv4 that are mapped into IPv6 for what they are. */
function isWithin(list: BlockList, address: string): boolean {
  const version = isIP(address);
  return version !== 0 && list.check(address, version === 6 ? 'ipv6' : 'ipv4');
}

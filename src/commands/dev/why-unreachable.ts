import { connect } from 'node:net';

const WITHIN_MS = 2_000;

/** Why nobody can be met at this address; undefined: somebody listens, or only asking in earnest would tell. */
export async function whyUnreachable(url: string, signal: AbortSignal): Promise<string | undefined> {
  const { protocol, hostname, port } = new URL(url);
  const host = hostname.replace(/^\[|\]$/g, '');
  const socket = connect({ host, port: Number(port) || (protocol === 'https:' ? 443 : 80) });
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  const give = () => resolve(undefined);
  socket.once('connect', give);
  socket.once('error', (error: NodeJS.ErrnoException) => resolve(inWords(error)));
  socket.setTimeout(WITHIN_MS, () => resolve(`no answer within ${WITHIN_MS / 1000} s`));
  signal.addEventListener('abort', give, { once: true });
  try {
    return await promise;
  } finally {
    signal.removeEventListener('abort', give);
    socket.destroy();
  }
}

function inWords({ code, message }: NodeJS.ErrnoException): string {
  switch (code) {
    case 'ECONNREFUSED':
      return 'nothing listens there';
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return 'there is no such host';
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return 'there is no way to that host';
    default:
      return message;
  }
}

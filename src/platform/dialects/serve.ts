import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** One dialect on its own port. */
export interface Listener {
  readonly name: string;
  readonly url: string;
  /** Takes no more connections; answers under way get `graceMs`. */
  close(graceMs: number): Promise<void>;
}

/** A port that cannot be had is a start-up fault, told in one line. */
export class ListenError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ListenError';
  }
}

const HEADERS_TIMEOUT_MS = 10_000;
/** Of a request from its first byte to its last; answers may take as long as the function may run. */
const REQUEST_TIMEOUT_MS = 120_000;
const KEEP_ALIVE_MS = 65_000;
const HEADER_MAX_BYTES = 32 * 1024;
const SWEEP_MS = 25;

export async function serve(
  name: string,
  { host, port }: ListenAddress,
  { onRequest }: { onRequest: RequestListener },
): Promise<Listener> {
  const server = createServer(
    {
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      keepAliveTimeout: KEEP_ALIVE_MS,
      maxHeaderSize: HEADER_MAX_BYTES,
    },
    onRequest,
  );
  // Small answers go out at once, without waiting for the acknowledgement of the one before.
  server.on('connection', (socket) => socket.setNoDelay(true));
  const boundPort = await listen(server, { name, host, port });
  const shownHost = host.includes(':') ? `[${host}]` : host;
  return {
    name,
    url: `http://${shownHost === '0.0.0.0' ? '127.0.0.1' : shownHost === '[::]' ? '[::1]' : shownHost}:${boundPort}`,
    close: (graceMs) => close(server, graceMs),
  };
}

function listen(server: Server, { name, host, port }: ListenAddress & { name: string }): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(new ListenError(`cannot listen on ${host}:${port} for ${name}: ${explain(error)}`, { cause: error }));
    });
    server.listen({ host, port }, () => resolve((server.address() as AddressInfo).port));
  });
}

function explain(error: NodeJS.ErrnoException): string {
  switch (error.code) {
    case 'EADDRINUSE':
      return 'the port is taken; stop the other process or choose another port';
    case 'EACCES':
      return 'not allowed; ports below 1024 need a privilege, choose a higher one';
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return 'this machine has no such address';
    default:
      return error.message;
  }
}

async function close(server: Server, graceMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  // A connection that is kept alive becomes idle when its answer is out; nobody tells when that is.
  const sweep = setInterval(() => server.closeIdleConnections(), SWEEP_MS);
  const force = setTimeout(() => server.closeAllConnections(), graceMs);
  await closed;
  clearInterval(sweep);
  clearTimeout(force);
}

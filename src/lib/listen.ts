import type { Server } from 'node:http';
import type { AddressInfo, Server as SocketServer } from 'node:net';

/** A port that cannot be had is a start-up fault, explained in one line. */
export class ListenError extends Error {
  override readonly name = 'ListenError';
}

/** Starts listening and returns the port; port 0 asks the system for a free one. */
export function listen(server: SocketServer, options: { host: string; port: number; what: string }): Promise<number> {
  const { host, port, what } = options;
  return new Promise((resolve, reject) => {
    // Stays for good: later errors are connections that could not be accepted, and those must not end the process.
    server.on('error', (error: NodeJS.ErrnoException) => {
      reject(new ListenError(`cannot listen on ${host}:${port} for ${what}: ${explain(error)}`, { cause: error }));
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

const SWEEP_MS = 25;

/** Takes no more connections, and ends: idle ones are closed, running answers get `graceMs`. */
export async function closeServer(server: Server, graceMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  // A connection that is kept alive becomes idle when its answer is out; no event says when that is.
  const sweep = setInterval(() => server.closeIdleConnections(), SWEEP_MS);
  const force = setTimeout(() => server.closeAllConnections(), graceMs);
  await closed;
  clearInterval(sweep);
  clearTimeout(force);
}

import { createServer, type RequestListener } from 'node:http';
import { closeServer, listen } from '../../lib/listen.ts';

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

const HEADERS_TIMEOUT_MS = 10_000;
/** Of a request from its first byte to its last; answers may take as long as the function may run. */
const REQUEST_TIMEOUT_MS = 120_000;
const KEEP_ALIVE_MS = 65_000;
const HEADER_MAX_BYTES = 32 * 1024;

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
  const boundPort = await listen(server, { what: name, host, port });
  const shownHost = host.includes(':') ? `[${host}]` : host;
  return {
    name,
    url: `http://${shownHost === '0.0.0.0' ? '127.0.0.1' : shownHost === '[::]' ? '[::1]' : shownHost}:${boundPort}`,
    close: (graceMs) => closeServer(server, graceMs),
  };
}

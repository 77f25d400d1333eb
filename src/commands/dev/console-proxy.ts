import { connect, createServer, type Server, type Socket } from 'node:net';
import { listen } from '../../lib/listen.ts';
import { HOST } from './port-plan.ts';

/**
 * The console's one address, in front of a live replica: killing a replica ends the connections that it had, and the next
 * ones go to another.
 */
export class ConsoleProxy {
  readonly port: number;
  readonly #server: Server;
  readonly #sockets: Set<Socket>;

  private constructor(options: { port: number; server: Server; sockets: Set<Socket> }) {
    this.port = options.port;
    this.#server = options.server;
    this.#sockets = options.sockets;
  }

  /** `behind` gives the port of a live replica; undefined while there is none. Rejects with a ListenError. */
  static async open(options: { port: number; behind: () => number | undefined }): Promise<ConsoleProxy> {
    const sockets = new Set<Socket>();
    const server = createServer((caller) => {
      const port = options.behind();
      if (port === undefined) {
        caller.destroy();
        return;
      }
      const replica = connect({ host: HOST, port });
      for (const [one, other] of [
        [caller, replica],
        [replica, caller],
      ] as const) {
        sockets.add(one);
        one.setNoDelay(true);
        one.on('error', () => {});
        one.once('close', () => {
          sockets.delete(one);
          other.destroy();
        });
        one.pipe(other);
      }
    });
    const port = await listen(server, { host: HOST, port: options.port, what: 'the console' });
    return new ConsoleProxy({ port, server, sockets });
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }
}

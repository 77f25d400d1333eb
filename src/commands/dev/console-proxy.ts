import { connect, createServer, type Socket } from 'node:net';
import { listen } from '../../lib/listen.ts';
import { HOST } from './port-plan.ts';

/**
 * The console's one address, in front of a live replica: killing a replica ends the connections that it had, and the next
 * ones go to another. `behind` gives the port of a live replica; undefined while there is none. Rejects with a ListenError.
 */
export async function openConsoleProxy(options: {
  port: number;
  behind: () => number | undefined;
}): Promise<{ readonly port: number; stop(): Promise<void> }> {
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
  return {
    port: await listen(server, { host: HOST, port: options.port, what: 'the console' }),
    async stop() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

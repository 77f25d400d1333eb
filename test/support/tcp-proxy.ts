import { connect, createServer, type Server, type Socket } from 'node:net';

/**
 * What happens to the traffic from now on.
 * `pass`: nothing. `delay`: both ways, each by this much. `drop-requests`, `drop-answers`: one way is swallowed, the
 * connections stay open. `refuse`: connections are reset, new ones too. `cut-answer`: the next answer after a request is
 * cut after so many bytes, its connection reset, and then traffic passes again, or is refused: the request was carried
 * out and the client does not know.
 */
export type ProxyMode =
  | { readonly kind: 'pass' }
  | { readonly kind: 'delay'; readonly ms: number }
  | { readonly kind: 'drop-requests' }
  | { readonly kind: 'drop-answers' }
  | { readonly kind: 'refuse' }
  | {
      readonly kind: 'cut-answer';
      readonly afterBytes: number;
      readonly when?: (request: Buffer) => boolean;
      readonly afterwards?: 'refuse';
    };

interface Pair {
  readonly client: Socket;
  readonly server: Socket;
  /** The request that `cut-answer` waits for has gone through on this connection. */
  armed: boolean;
  /** Traffic of one direction stays in order, also when a delay shrinks. */
  readonly lastDueMs: { up: number; down: number };
}

/** A TCP proxy whose faults can be switched while connections run. */
export class TcpProxy {
  readonly target: { host: string; port: number };
  readonly #pairs = new Set<Pair>();
  #server: Server | undefined;
  #mode: ProxyMode = { kind: 'pass' };
  /** How many answers were cut, and how many connections came, since the start. */
  cuts = 0;
  knocks = 0;

  constructor(target: { host: string; port: number }) {
    this.target = target;
  }

  async listen(at: { host?: string; port?: number } = {}): Promise<number> {
    const server = createServer({ noDelay: true }, (client) => this.#accept(client));
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(at.port ?? 0, at.host ?? '127.0.0.1', resolve);
    });
    this.#server = server;
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('the proxy has no port');
    return address.port;
  }

  get connections(): number {
    return this.#pairs.size;
  }

  set(mode: ProxyMode): void {
    this.#mode = mode;
    for (const pair of this.#pairs) pair.armed = false;
    if (mode.kind === 'refuse') this.reset();
  }

  /** Resets every open connection; new ones are handled as the mode says. */
  reset(): void {
    for (const pair of [...this.#pairs]) this.#cut(pair);
  }

  async close(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    const closed = new Promise<void>((resolve) => (server ? server.close(() => resolve()) : resolve()));
    this.reset();
    await closed;
  }

  #accept(client: Socket): void {
    this.knocks += 1;
    if (this.#mode.kind === 'refuse') {
      client.on('error', () => {});
      client.resetAndDestroy();
      return;
    }
    const server = connect({ ...this.target, noDelay: true });
    const pair: Pair = { client, server, armed: false, lastDueMs: { up: 0, down: 0 } };
    this.#pairs.add(pair);
    for (const socket of [client, server]) {
      socket.on('error', () => this.#cut(pair));
      socket.on('close', () => this.#cut(pair));
    }
    client.on('data', (chunk) => this.#request(pair, chunk));
    server.on('data', (chunk) => this.#answer(pair, chunk));
  }

  #request(pair: Pair, chunk: Buffer): void {
    const mode = this.#mode;
    if (mode.kind === 'drop-requests') return;
    if (mode.kind === 'cut-answer' && (mode.when?.(chunk) ?? true)) pair.armed = true;
    this.#forward(pair, 'up', chunk);
  }

  #answer(pair: Pair, chunk: Buffer): void {
    const mode = this.#mode;
    if (mode.kind === 'drop-answers') return;
    if (mode.kind === 'cut-answer' && pair.armed) {
      this.cuts += 1;
      pair.client.write(chunk.subarray(0, mode.afterBytes), () => this.#cut(pair));
      this.set({ kind: mode.afterwards ?? 'pass' });
      return;
    }
    this.#forward(pair, 'down', chunk);
  }

  #forward(pair: Pair, way: 'up' | 'down', chunk: Buffer): void {
    const socket = way === 'up' ? pair.server : pair.client;
    const nowMs = performance.now();
    const dueMs = Math.max(pair.lastDueMs[way], nowMs + (this.#mode.kind === 'delay' ? this.#mode.ms : 0));
    if (dueMs <= nowMs) {
      socket.write(chunk);
      return;
    }
    pair.lastDueMs[way] = dueMs;
    setTimeout(() => socket.writable && socket.write(chunk), dueMs - nowMs).unref();
  }

  #cut(pair: Pair): void {
    if (!this.#pairs.delete(pair)) return;
    pair.client.resetAndDestroy();
    pair.server.resetAndDestroy();
  }
}

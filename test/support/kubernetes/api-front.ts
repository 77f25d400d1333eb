import { createServer, type IncomingMessage, request as plain, type Server, type ServerResponse } from 'node:http';
import { Agent, request as secure } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';

/** What becomes of one request. `lost`: it arrives, and its answer does not. `unheard`: it does not even arrive. */
export type Fate =
  | { readonly kind: 'pass' }
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly headers?: Record<string, string>;
      readonly body?: unknown;
    }
  | { readonly kind: 'lost' }
  | { readonly kind: 'unheard' }
  | { readonly kind: 'silent' };

export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly isWatch: boolean;
  /** Where in history a watch begins. */
  readonly from: number;
}

const PASS: Fate = { kind: 'pass' };

/** Stands before an API server, real or double, shows its own certificate there, and has bad days on demand. */
export class ApiFront {
  readonly seen: Seen[] = [];
  fateOf: (seen: Seen) => Fate = () => PASS;
  /** Called before a request is passed on: somebody else may act in between. */
  before: (seen: Seen) => Promise<void> = async () => {};
  readonly #target: string;
  readonly #agent: Agent | undefined;
  readonly #server: Server;
  readonly #watches = new Set<Socket>();

  constructor(target: string, tls?: { ca: string; cert: string; key: string }) {
    this.#target = target;
    this.#agent = tls && new Agent({ ...tls, keepAlive: true });
    this.#server = createServer((request, response) => void this.#receive(request, response));
  }

  async start(): Promise<string> {
    await new Promise<void>((done) => this.#server.listen(0, '127.0.0.1', done));
    return this.url;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** The next requests of this kind, one fate each; the others pass. */
  script(isMeant: (seen: Seen) => boolean, ...fates: readonly Fate[]): void {
    const left = [...fates];
    this.fateOf = (seen) => (isMeant(seen) ? (left.shift() ?? PASS) : PASS);
  }

  /** Cuts the connections of all watches. */
  cutWatches(): void {
    for (const socket of this.#watches) socket.destroy();
  }

  calm(): void {
    this.fateOf = () => PASS;
    this.before = async () => {};
    this.seen.length = 0;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((done) => this.#server.close(() => done()));
    this.#agent?.destroy();
  }

  async #receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://front');
    const seen = {
      method: request.method ?? '',
      path: pathname,
      isWatch: searchParams.has('watch'),
      from: Number(searchParams.get('resourceVersion')),
    };
    this.seen.push(seen);
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const fate = this.fateOf(seen);
    await this.before(seen);
    if (fate.kind === 'silent') return;
    if (fate.kind === 'unheard') {
      request.socket.destroy();
      return;
    }
    if (fate.kind === 'answer') {
      response.writeHead(fate.status, { 'content-type': 'application/json', ...fate.headers });
      response.end(JSON.stringify(fate.body ?? {}));
      return;
    }
    if (seen.isWatch) {
      this.#watches.add(request.socket);
      response.once('close', () => this.#watches.delete(request.socket));
    }
    this.#forward(request, response, { body: Buffer.concat(chunks), isLost: fate.kind === 'lost' });
  }

  #forward(request: IncomingMessage, response: ServerResponse, how: { body: Buffer; isLost: boolean }): void {
    const { host: _, ...headers } = request.headers;
    const options = { method: request.method, headers, ...(this.#agent ? { agent: this.#agent } : {}) };
    const send = this.#agent ? secure : plain;
    const forwarded = send(`${this.#target}${request.url}`, options, (answer) => {
      if (how.isLost) {
        answer.resume().once('end', () => request.socket.destroy());
        return;
      }
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
      answer.once('error', () => response.destroy());
    });
    forwarded.once('error', () => response.destroy());
    response.once('close', () => forwarded.destroy());
    forwarded.end(how.body);
  }
}

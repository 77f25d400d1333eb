import { createServer, request as forward, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

interface Answer {
  readonly status: number;
  readonly body?: string;
  readonly contentType?: string;
}

/** Stands before an HTTP server and answers in its place when told to: what a gateway with a bad day does. */
export class HttpFront {
  readonly #target: string;
  #server: Server | undefined;
  #own: { readonly answer: Answer; left: number } | undefined;
  #rewrite: ((body: string, url: string) => string) | undefined;
  #url = '';
  /** How often it answered itself. */
  answered = 0;
  /** How often it asked the server behind it. */
  forwarded = 0;

  constructor(target: string) {
    this.#target = target;
  }

  get url(): string {
    return this.#url;
  }

  async start(): Promise<string> {
    const server = createServer((request, response) => this.#receive(request, response));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    this.#server = server;
    this.#url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    return this.#url;
  }

  answer(answer: Answer, { times = Number.POSITIVE_INFINITY } = {}): void {
    this.#own = { answer, left: times };
  }

  /** From now on the answers of the server behind it are passed on as this makes them. */
  rewrite(rewrite: (body: string, url: string) => string): void {
    this.#rewrite = rewrite;
  }

  pass(): void {
    this.#own = undefined;
    this.#rewrite = undefined;
  }

  async stop(): Promise<void> {
    const server = this.#server;
    if (!server) return;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    // One that is used again and again would never fall idle.
    server.closeAllConnections();
    await closed;
  }

  #receive(request: IncomingMessage, response: ServerResponse): void {
    if (this.#own && this.#own.left > 0) {
      this.#own.left -= 1;
      this.answered += 1;
      const { status, body = '', contentType = 'text/plain' } = this.#own.answer;
      request.resume();
      response.writeHead(status, { 'content-type': contentType }).end(body);
      return;
    }
    this.forwarded += 1;
    const { method, headers, url = '/' } = request;
    const onward = forward(`${this.#target}${url}`, { method, headers }, async (answer) => {
      if (!this.#rewrite) {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
        return;
      }
      const body = this.#rewrite(Buffer.concat(await answer.toArray()).toString(), url);
      const { 'content-length': _, ...others } = answer.headers;
      response.writeHead(answer.statusCode ?? 502, others).end(body);
    });
    onward.on('error', () => response.destroy());
    request.pipe(onward);
  }
}

import { createServer, type IncomingHttpHeaders, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer, type ServerOptions } from 'node:https';

export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** The body, or the query string of a GET. */
  readonly form: URLSearchParams;
  readonly body: string;
}

export interface ScriptedAnswer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
  /** Closes the connection instead of answering; with a body, after that much of the answer. */
  readonly isCut?: boolean;
}

/** An HTTP server that answers as a test tells it to, and remembers what it was asked. Not a store: just the wire. */
export class ScriptedStore {
  readonly requests: SeenRequest[] = [];
  /** Undefined means: never answer. */
  answer: (request: SeenRequest, index: number) => ScriptedAnswer | undefined = () => vector([]);
  #server: Server | undefined;
  #url = '';
  /** Connections since the start. */
  connections = 0;

  get url(): string {
    return this.#url;
  }

  /** With `tls` it speaks https. */
  async start({ tls }: { tls?: ServerOptions } = {}): Promise<void> {
    const listener: RequestListener = (request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const body = Buffer.concat(chunks).toString();
        const { pathname, search } = new URL(request.url ?? '/', 'http://store');
        const method = request.method ?? '';
        const form = new URLSearchParams(method === 'GET' ? search : body);
        const seen: SeenRequest = { method, path: pathname, headers: request.headers, form, body };
        this.requests.push(seen);
        const answer = this.answer(seen, this.requests.length - 1);
        if (!answer) return;
        if (answer.isCut) {
          if (answer.body === undefined) request.socket.destroy();
          else response.write(answer.body, () => request.socket.destroy());
          return;
        }
        response.writeHead(answer.status ?? 200, { 'content-type': 'application/json', ...answer.headers });
        response.end(answer.body ?? '');
      });
    };
    this.#server = tls ? createTlsServer(tls, listener) : createServer(listener);
    this.#server.on('connection', () => {
      this.connections += 1;
    });
    await new Promise<void>((resolve) => this.#server?.listen(0, '127.0.0.1', resolve));
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('no port was given');
    this.#url = `${tls ? 'https' : 'http'}://127.0.0.1:${address.port}`;
  }

  async stop(): Promise<void> {
    this.#server?.closeAllConnections();
    await new Promise((resolve) => this.#server?.close(resolve));
  }
}

export type ScriptedSeries = readonly [metric: Readonly<Record<string, string>>, value: string];

/** The answer of an instant query, as a matrix of one step when `atSeconds` is given. */
export function vector(
  series: readonly ScriptedSeries[],
  extra: { atSeconds?: number; warnings?: readonly string[]; infos?: readonly string[]; isPartial?: boolean } = {},
): ScriptedAnswer {
  const { atSeconds = 0, ...envelope } = extra;
  const result = series.map(([metric, value]) => ({ metric, values: [[atSeconds, value]] }));
  return { body: JSON.stringify({ status: 'success', data: { resultType: 'matrix', result }, ...envelope }) };
}

/** A Prometheus without a single series, whose clock may be off. */
export function emptyPrometheus({ aheadMs = 0 } = {}): (request: SeenRequest) => ScriptedAnswer {
  return ({ path, form }) => {
    if (form.get('query') === 'time()') {
      const seconds = String((Date.now() + aheadMs) / 1000);
      return success({ resultType: 'scalar', result: [Number(seconds), seconds] });
    }
    if (path.endsWith('/buildinfo')) return success({ version: '3.0.0', goVersion: 'go1.24' });
    if (path.endsWith('/series')) return success([]);
    return vector([]);
  };
}

function success(data: unknown): ScriptedAnswer {
  return { body: JSON.stringify({ status: 'success', data }) };
}

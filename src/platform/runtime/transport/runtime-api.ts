import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Clock } from '../../../lib/clock.ts';
import type { Call } from '../instance-backend.ts';
import { type CallTransport, parseFault, type TransportListener } from './call-transport.ts';

const PREFIX = '/2018-06-01/runtime/';
const ANSWER = /^invocation\/([^/]{1,255})\/(response|error)$/;
const FAULT_BYTES_MAX = 256 * 1024;

/**
 * The AWS Lambda Runtime API for one executable, on a loopback port of its own, which identifies it. The executable
 * asks for the next call and posts its answer; it is warm whenever it asks.
 */
export class RuntimeApi implements CallTransport {
  readonly #options: RuntimeApiOptions;
  readonly #server: Server;
  #listener!: TransportListener;
  #asking: ServerResponse | undefined;
  #next: { number: number; call: Call } | undefined;
  #handed: { readonly number: number; readonly requestId: string } | undefined;
  #newestHanded = 0;

  private constructor(options: RuntimeApiOptions, server: Server) {
    this.#options = options;
    this.#server = server;
  }

  static async listen(options: RuntimeApiOptions): Promise<RuntimeApi> {
    // The executable waits for its next call as long as no call comes.
    const server = createServer({ requestTimeout: 0, headersTimeout: 10_000, keepAliveTimeout: 0 });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, '127.0.0.1', resolve);
    });
    return new RuntimeApi(options, server);
  }

  /** In the same turn of the event loop as the spawn of the executable, so that no request comes before. */
  connect(listener: TransportListener): void {
    this.#listener = listener;
    this.#server.on('request', (request, response) => this.#serve(request, response));
  }

  /** For `AWS_LAMBDA_RUNTIME_API`. */
  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  send(number: number, call: Call): void {
    this.#next = { number, call };
    this.#hand();
  }

  hasBegun(number: number): boolean {
    return this.#newestHanded >= number;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    const url = request.url ?? '';
    const route = url.startsWith(PREFIX) ? url.slice(PREFIX.length) : '';
    if (request.method === 'GET' && route === 'invocation/next') this.#onAsking(response);
    else if (request.method === 'POST' && route === 'init/error') void this.#onInitError(request, response);
    else {
      const [, requestId, verb] = (request.method === 'POST' ? ANSWER.exec(route) : undefined) ?? [];
      if (requestId === undefined) refuse(response, 404, 'NotFound', 'there is nothing here');
      else void this.#onAnswer(requestId, verb === 'error', request, response);
    }
  }

  #onAsking(response: ServerResponse): void {
    if (this.#handed) {
      const { number } = this.#handed;
      this.#handed = undefined;
      this.#listener.onAnswer(number, {
        kind: 'crashed',
        detail: 'it asked for the next call without having answered this one',
      });
    }
    this.#asking = response;
    response.once('close', () => {
      if (this.#asking === response) this.#asking = undefined;
    });
    this.#listener.onReady();
    this.#hand();
  }

  #hand(): void {
    const { number, call } = this.#next ?? {};
    const response = this.#asking;
    if (number === undefined || !call || !response) return;
    this.#next = undefined;
    this.#asking = undefined;
    this.#handed = { number, requestId: call.requestId };
    this.#newestHanded = number;
    const payload = call.payload.length > 0 ? call.payload : Buffer.from('{}');
    response.writeHead(200, {
      'Content-Type': 'application/json',
      'Content-Length': payload.length,
      'Lambda-Runtime-Aws-Request-Id': call.requestId,
      'Lambda-Runtime-Deadline-Ms': Math.ceil(this.#options.clock.wallMs() + call.timeoutMs),
      'Lambda-Runtime-Invoked-Function-Arn': this.#options.functionName,
    });
    response.end(payload);
  }

  async #onAnswer(requestId: string, isError: boolean, request: IncomingMessage, response: ServerResponse) {
    const handed = this.#handed;
    if (!handed || handed.requestId !== decode(requestId)) {
      request.resume();
      refuse(response, 400, 'InvalidRequestID', 'this is not the call that waits for an answer');
      return;
    }
    const streams = request.headers['lambda-runtime-function-response-mode'] === 'streaming';
    try {
      if (streams && !isError) await this.#takeStream(handed.number, request);
      else await this.#takeWhole(handed.number, isError, request);
    } catch {
      // Cut off in the middle: the end of the process, or of the call's time, says the rest.
      response.destroy();
      return;
    }
    if (this.#handed === handed) this.#handed = undefined;
    if (!response.writableEnded) response.writeHead(202, JSON_TYPE).end('{"status":"OK"}');
  }

  async #takeWhole(number: number, isError: boolean, request: IncomingMessage): Promise<void> {
    const { body, bytes } = await readBody(request, isError ? FAULT_BYTES_MAX : this.#options.resultBytesMax);
    if (isError) this.#listener.onAnswer(number, { kind: 'handler-failed', ...parseFault(body ?? Buffer.alloc(0)) });
    else if (body) this.#listener.onAnswer(number, { kind: 'result', body });
    else this.#listener.onAnswer(number, { kind: 'result-too-large', bytes });
  }

  async #takeStream(number: number, request: IncomingMessage): Promise<void> {
    for await (const chunk of request) await this.#listener.onChunk(number, chunk as Buffer);
    const errorType = request.trailers['lambda-runtime-function-error-type'];
    if (errorType === undefined) {
      this.#listener.onStreamEnd(number);
      return;
    }
    const fault = Buffer.from(request.trailers['lambda-runtime-function-error-body'] ?? '', 'base64');
    this.#listener.onAnswer(number, { kind: 'handler-failed', ...parseFault(fault), errorType });
  }

  async #onInitError(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const { body } = await readBody(request, FAULT_BYTES_MAX);
      response.writeHead(202, JSON_TYPE).end('{"status":"OK"}');
      this.#listener.onLoadFailed(parseFault(body ?? Buffer.alloc(0)));
    } catch {
      response.destroy();
    }
  }
}

export interface RuntimeApiOptions {
  readonly clock: Clock;
  readonly functionName: string;
  readonly resultBytesMax: number;
}

const JSON_TYPE = { 'Content-Type': 'application/json' };

/** What is over the most is counted and not kept. */
async function readBody(request: IncomingMessage, bytesMax: number): Promise<{ body?: Buffer; bytes: number }> {
  let pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of request as AsyncIterable<Buffer>) {
    bytes += piece.length;
    if (bytes <= bytesMax) pieces.push(piece);
    else pieces = [];
  }
  return bytes <= bytesMax ? { body: Buffer.concat(pieces), bytes } : { bytes };
}

function refuse(response: ServerResponse, status: number, errorType: string, errorMessage: string): void {
  response.writeHead(status, JSON_TYPE).end(JSON.stringify({ errorType, errorMessage }));
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

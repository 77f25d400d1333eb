import type { ServerResponse } from 'node:http';

export interface StreamHead {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[]>>;
  /** Of the first chunk, what belongs to the body. */
  readonly body: Uint8Array;
}

const STREAM_TYPE = 'application/octet-stream';

/**
 * What a handler streams, written as it comes. It is held up while the caller does not take more, so the instance stays
 * leased until all but what the system buffers was taken. Until the first chunk nothing is written: a handler that does not
 * stream is answered as usual.
 */
export class StreamedReply {
  readonly #response: ServerResponse;
  readonly #readHead: (first: Uint8Array) => StreamHead;
  readonly #trailers: readonly string[];

  /** `trailers`: names of what is sent when the stream has ended. */
  constructor(
    response: ServerResponse,
    {
      readHead = plainHead,
      trailers = [],
    }: { readHead?: (first: Uint8Array) => StreamHead; trailers?: readonly string[] },
  ) {
    this.#response = response;
    this.#readHead = readHead;
    this.#trailers = trailers;
  }

  get hasBegun(): boolean {
    return this.#response.headersSent;
  }

  readonly onChunk = (chunk: Uint8Array): void | Promise<void> => {
    const response = this.#response;
    if (response.destroyed) return;
    const body = this.hasBegun ? chunk : this.#begin(chunk);
    if (body.byteLength === 0) {
      response.flushHeaders();
      return;
    }
    if (!response.write(body)) return drained(response);
  };

  end(trailers: Readonly<Record<string, string>> = {}): void {
    if (this.#response.destroyed) return;
    this.#response.addTrailers(trailers);
    this.#response.end();
  }

  #begin(first: Uint8Array): Uint8Array {
    const { status, headers, body } = this.#readHead(first);
    const announced = this.#trailers.length > 0 ? { trailer: this.#trailers.join(', ') } : {};
    this.#response.writeHead(status, { 'content-type': STREAM_TYPE, ...headers, ...announced });
    return body;
  }
}

function plainHead(first: Uint8Array): StreamHead {
  return { status: 200, headers: {}, body: first };
}

/** Also when the caller goes away, for then nothing is ever taken. */
function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const onEnd = () => {
      response.off('drain', onEnd);
      response.off('close', onEnd);
      resolve();
    };
    response.once('drain', onEnd);
    response.once('close', onEnd);
  });
}

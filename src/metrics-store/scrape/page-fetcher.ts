import { Agent as HttpAgent, get as httpGet, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, get as httpsGet } from 'node:https';

const HEADERS = {
  accept: 'text/plain;version=0.0.4;q=1,*/*;q=0.1',
  // Targets are near: unpacking would cost more than it saves.
  'accept-encoding': 'identity',
  'user-agent': 'starling-metrics-store',
};

const NEWLINE = 10;

/** Fetches the same page again and again, over one connection. */
export class PageFetcher {
  readonly #options;
  readonly #agent: HttpAgent;

  constructor(options: { url: string; maxBytes: number }) {
    this.#options = options;
    const one = { keepAlive: true, maxSockets: 1 };
    this.#agent = options.url.startsWith('https:') ? new HttpsAgent(one) : new HttpAgent(one);
  }

  /**
   * Whole lines, as many as have arrived: a page of megabytes that is made one text is garbage that V8 leaves lying until it
   * looks through its whole heap.
   */
  async *pieces({ timeoutMs, signal }: { timeoutMs: number; signal: AbortSignal }): AsyncGenerator<string> {
    const { maxBytes } = this.#options;
    const headers = { ...HEADERS, 'x-prometheus-scrape-timeout-seconds': String(timeoutMs / 1000) };
    const response = await this.#request(headers, signal);
    if (response.statusCode !== 200) {
      response.destroy();
      throw new Error(`it answered ${response.statusCode}`);
    }
    let bytes = 0;
    let begun: Buffer[] = [];
    for await (const chunk of response as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > maxBytes) throw new Error(`the page is longer than ${maxBytes} bytes`);
      const end = chunk.lastIndexOf(NEWLINE) + 1;
      if (end > 0) {
        yield Buffer.concat([...begun, chunk.subarray(0, end)]).toString('utf8');
        begun = [];
      }
      if (end < chunk.length) begun.push(chunk.subarray(end));
    }
    if (begun.length > 0) yield Buffer.concat(begun).toString('utf8');
  }

  close(): void {
    this.#agent.destroy();
  }

  #request(headers: Record<string, string>, signal: AbortSignal): Promise<IncomingMessage> {
    const { url } = this.#options;
    const get = url.startsWith('https:') ? httpsGet : httpGet;
    return new Promise((resolve, reject) => {
      get(url, { agent: this.#agent, headers, signal }, resolve).once('error', reject);
    });
  }
}

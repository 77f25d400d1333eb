import { type ClientRequest, Agent as HttpAgent, get as httpGet, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, get as httpsGet } from 'node:https';

const HEADERS = {
  accept: 'text/plain;version=0.0.4;q=1,*/*;q=0.1',
  // Targets are near: unpacking would cost more than it saves.
  'accept-encoding': 'identity',
  'user-agent': 'starling-metrics-store',
};

/**
 * Fetches the same page again and again, over one connection and into one buffer: a megabyte that is made anew for every
 * scrape of every target leaves memory behind that nobody gives back.
 */
export class PageFetcher {
  readonly #url: string;
  readonly #maxBytes: number;
  readonly #agent: HttpAgent;
  #buffer = Buffer.allocUnsafeSlow(16_384);

  constructor({ url, maxBytes }: { url: string; maxBytes: number }) {
    this.#url = url;
    this.#maxBytes = maxBytes;
    const options = { keepAlive: true, maxSockets: 1 };
    this.#agent = url.startsWith('https:') ? new HttpsAgent(options) : new HttpAgent(options);
  }

  async fetch({ timeoutMs, signal }: { timeoutMs: number; signal: AbortSignal }): Promise<string> {
    const response = await this.#request(
      { ...HEADERS, 'x-prometheus-scrape-timeout-seconds': String(timeoutMs / 1000) },
      signal,
    );
    if (response.statusCode !== 200) {
      response.destroy();
      throw new Error(`it answered ${response.statusCode}`);
    }
    let bytes = 0;
    for await (const chunk of response as AsyncIterable<Buffer>) {
      if (bytes + chunk.length > this.#maxBytes) throw new Error(`the page is longer than ${this.#maxBytes} bytes`);
      this.#reserve(bytes, chunk.length);
      bytes += chunk.copy(this.#buffer, bytes);
    }
    return this.#buffer.toString('utf8', 0, bytes);
  }

  close(): void {
    this.#agent.destroy();
  }

  #request(headers: Record<string, string>, signal: AbortSignal): Promise<IncomingMessage> {
    const get = this.#url.startsWith('https:') ? httpsGet : httpGet;
    return new Promise((resolve, reject) => {
      const request: ClientRequest = get(this.#url, { agent: this.#agent, headers, signal }, resolve);
      request.once('error', reject);
    });
  }

  #reserve(used: number, more: number): void {
    if (used + more <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(this.#buffer.length * 2, used + more));
    this.#buffer.copy(larger, 0, 0, used);
    this.#buffer = larger;
  }
}

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import {
  type MetricsStore,
  type MetricsStoreOptions,
  openMetricsStore,
} from '../../src/metrics-store/open-metrics-store.ts';
import { HandWoundClock } from '../support/hand-wound-clock.ts';

export interface Sample {
  readonly metric: Record<string, string>;
  readonly value: [number, string];
}

/** A page that a test writes, and the store that scrapes it, on a clock that the test winds. */
export class AMetricsStore {
  readonly clock = new HandWoundClock();
  readonly #closing: (() => void)[] = [];
  store!: MetricsStore;

  static async open(options: Partial<MetricsStoreOptions> = {}): Promise<AMetricsStore> {
    const one = new AMetricsStore();
    one.store = await openMetricsStore({
      address: { host: '127.0.0.1', port: 0 },
      clock: one.clock,
      random: { next: () => 0, uuid: () => '' },
      logger: pino({ level: 'silent' }),
      ...options,
    });
    return one;
  }

  /** Serves a page; the address of its metrics. */
  async serve(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
    const server: Server = createServer(answer);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    this.#closing.push(() => {
      server.close();
      server.closeAllConnections();
    });
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/metrics`;
  }

  async get(path: string): Promise<{ status: number; body: { data?: unknown; error?: string; errorType?: string } }> {
    const response = await fetch(this.store.url + path);
    return { status: response.status, body: (await response.json()) as { data?: unknown } };
  }

  async import(page: string): Promise<Response> {
    return fetch(`${this.store.url}/api/v1/import/prometheus`, { method: 'POST', body: page });
  }

  /** The samples of an instant query now, or so long ago. */
  async query(query: string, { agoMs = 0 } = {}): Promise<Sample[]> {
    const time = (this.clock.wallMs() - agoMs) / 1000;
    const { body } = await this.get(`/api/v1/query?${new URLSearchParams({ query, time: String(time) })}`);
    return (body.data as { result: Sample[] }).result;
  }

  async close(): Promise<void> {
    await this.store.stop();
    for (const close of this.#closing) close();
  }
}

/** Label → value of the samples. */
export function byLabel(samples: readonly Sample[], label: string): Record<string, string> {
  return Object.fromEntries(samples.map(({ metric, value }) => [metric[label] ?? '', value[1]]));
}

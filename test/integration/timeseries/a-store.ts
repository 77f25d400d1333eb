import { loadProfiles } from '../../../src/adapters/prometheus/load-profiles.ts';
import {
  PrometheusSignalReader,
  type PrometheusSignalReaderOptions,
} from '../../../src/adapters/prometheus/prometheus-signal-reader.ts';
import { StoreClient } from '../../../src/adapters/prometheus/store-client.ts';
import { systemClock } from '../../../src/adapters/system/clock.ts';
import type { Part } from '../../../src/domain/part.ts';
import type { Clock } from '../../../src/lib/clock.ts';
import type { Column } from '../../../src/ports/signal-reader.ts';
import { startEmbeddedStore } from '../../support/timeseries/embedded-store.ts';
import { PageWriter } from '../../support/timeseries/page-writer.ts';
import { RemoteWriter, type WrittenSeries } from '../../support/timeseries/remote-write.ts';
import {
  type StoreKind,
  startTimeseriesServer,
  type TimeseriesServer,
  timeseriesAvailability,
} from '../../support/timeseries/timeseries-server.ts';

export const EVERYTHING: Part = { name: 'all', buckets: undefined, prefixes: undefined };
export const STEP_MS = 15_000;

/** On CI an absent store fails here, when the file is loaded; elsewhere the suite is left out and says why. */
export const availability = {
  prometheus: await timeseriesAvailability('prometheus'),
  victoriametrics: await timeseriesAvailability('victoriametrics'),
  embedded: { available: true, version: 'in this process' },
} as const;

/** A real store, and a reader of it whose wall clock stands where a test puts it. */
export class AStore {
  readonly server: Pick<TimeseriesServer, 'url' | 'flush' | 'stop'>;
  readonly writer: { write(series: Iterable<WrittenSeries>): Promise<void> };
  /** Whole seconds, so that a reading is of exactly this moment. */
  readonly startMs = Math.floor(Date.now() / 1000) * 1000;
  readonly #clients: StoreClient[] = [];

  private constructor(server: AStore['server'], writer: AStore['writer']) {
    this.server = server;
    this.writer = writer;
  }

  /** `targets`: what a Prometheus scrapes by itself, every second. */
  static async start(
    kind: StoreKind | 'embedded',
    { targets = [] }: { targets?: readonly string[] } = {},
  ): Promise<AStore> {
    if (kind === 'embedded') {
      const { url, stop } = await startEmbeddedStore({ targets });
      return new AStore({ url, stop, flush: async () => {} }, new PageWriter(url));
    }
    const server = await startTimeseriesServer(kind, { targets });
    return new AStore(server, new RemoteWriter(server.url));
  }

  async stop(): Promise<void> {
    for (const client of this.#clients) client.close();
    await this.server.stop();
  }

  async write(series: Iterable<WrittenSeries>): Promise<void> {
    await this.writer.write(series);
    await this.server.flush();
  }

  client(): StoreClient {
    const client = new StoreClient({
      url: this.server.url,
      clock: systemClock,
      random: { next: () => 0, uuid: () => '' },
    });
    this.#clients.push(client);
    return client;
  }

  /** Reads as of `atMs`; with no settling, so that the moment is exact. */
  async reader(options: Partial<PrometheusSignalReaderOptions> & { atMs?: number; names?: readonly string[] } = {}) {
    const { atMs = this.startMs, names = ['worker-threads'] } = options;
    const clock: Clock = { ...systemClock, wallMs: () => atMs };
    const profiles = options.profiles ?? (await loadProfiles({ names }));
    return new PrometheusSignalReader({ client: this.client(), clock, settleMs: 0, ...options, profiles });
  }
}

/** Every 15 seconds, the newest `ageMs` before the end. */
export function samples(options: {
  endMs: number;
  spanMs?: number;
  ageMs?: number;
  value: (seconds: number) => number;
}): Pick<WrittenSeries, 'timesMs' | 'values'> {
  const { endMs, spanMs = 300_000, ageMs = 0, value } = options;
  const timesMs: number[] = [];
  for (let atMs = endMs - ageMs; atMs >= endMs - spanMs; atMs -= STEP_MS) timesMs.unshift(atMs);
  return { timesMs, values: timesMs.map((atMs) => value((atMs - (endMs - spanMs)) / 1000)) };
}

export function identity(versionId: string): Record<string, string> {
  return { function_version_id: versionId, function_id: `function of ${versionId}`, nca_id: 'account' };
}

/** What one worker instance exports. */
export function worker(
  versionId: string,
  environment: string,
  options: { instance?: string; threads?: number; busy?: number } & Omit<Parameters<typeof samples>[0], 'value'>,
): WrittenSeries[] {
  const { instance = '1', threads = 4, busy = 0 } = options;
  const labels = { ...identity(versionId), environment, instance };
  return [
    {
      labels: { ...labels, __name__: 'nvcf_worker_service_worker_thread_busy_seconds_total' },
      ...samples({ ...options, value: (seconds) => seconds * busy }),
    },
    {
      labels: { ...labels, __name__: 'nvcf_worker_service_worker_thread_count_total' },
      ...samples({ ...options, value: () => threads }),
    },
  ];
}

export function counter(
  metric: string,
  labels: Record<string, string>,
  options: Parameters<typeof samples>[0],
): WrittenSeries {
  return { labels: { ...labels, __name__: metric }, ...samples(options) };
}

export function valuesOf(column: Column | undefined): Record<string, number | undefined> {
  return Object.fromEntries((column?.versionIds ?? []).map((versionId, index) => [versionId, column?.values[index]]));
}

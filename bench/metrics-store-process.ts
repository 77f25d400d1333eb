import { pino } from 'pino';
import { systemClock } from '../src/adapters/system/clock.ts';
import type { Clock } from '../src/lib/clock.ts';
import { systemRandom } from '../src/lib/random.ts';
import { MetricsApi } from '../src/metrics-store/http/metrics-api.ts';
import { serveMetrics } from '../src/metrics-store/http/metrics-server.ts';
import { TargetScraper } from '../src/metrics-store/scrape/target-scraper.ts';
import { SampleStore } from '../src/metrics-store/storage/sample-store.ts';

/** The store of the benchmark, alone in its process: scrapes when it is told to, on a clock that goes a scrape at a time. */
export interface MetricsStoreOrders {
  readonly urls: readonly string[];
  readonly stepMs: number;
  readonly history: number;
}

export interface MetricsStoreReport {
  readonly url: string;
  readonly wallMs: number;
  readonly rssBytes: number;
  readonly sampleBytes: number;
  readonly series: number;
}

const orders = JSON.parse(process.argv[2] ?? '{}') as MetricsStoreOrders;
let wallMs = Math.floor(Date.now() / 1000) * 1000 - orders.history * orders.stepMs;
const clock: Clock = { ...systemClock, wallMs: () => wallMs };
const logger = pino({ level: 'warn' }, pino.destination(2));
const store = new SampleStore({ retentionMs: 3_600_000, seriesMax: 200_000 });
const scrapers = orders.urls.map(
  (url) =>
    new TargetScraper({
      target: { url },
      store,
      intervalMs: orders.stepMs,
      timeoutMs: 10_000,
      bodyMaxBytes: 64 * 2 ** 20,
      samplesMax: 100_000,
      rules: [],
      clock,
      random: systemRandom,
      logger,
    }),
);
const api = new MetricsApi({ store, clock, queryTimeoutMs: 30_000, lookbackMs: 300_000, version: 'bench' });
const { port } = await serveMetrics({
  address: { host: '127.0.0.1', port: 0 },
  api,
  takeSamples: async () => {},
  logger,
  formMaxBytes: 2 ** 20,
  importMaxBytes: 2 ** 20,
});

function tell(): void {
  const report: MetricsStoreReport = {
    url: `http://127.0.0.1:${port}`,
    wallMs,
    rssBytes: process.memoryUsage.rss(),
    sampleBytes: store.sampleBytes,
    series: store.seriesCount,
  };
  process.send?.(report);
}

process.on('message', (order) => {
  if (order !== 'scrape') {
    tell();
    return;
  }
  wallMs += orders.stepMs;
  store.forgetOld(wallMs);
  Promise.all(scrapers.map((scraper) => scraper.scrape())).then(tell, (error: unknown) => {
    console.error(error);
    process.exit(1);
  });
});
process.on('disconnect', () => process.exit());
tell();

import type { Logger } from 'pino';
import type { Clock } from '../lib/clock.ts';
import { closeServer } from '../lib/listen.ts';
import type { Random } from '../lib/random.ts';
import { ApiError } from './http/api-error.ts';
import { MetricsApi } from './http/metrics-api.ts';
import { serveMetrics } from './http/metrics-server.ts';
import { ExpositionError } from './scrape/exposition.ts';
import { PageReader, SampleLimitError } from './scrape/page-reader.ts';
import type { RelabelRule } from './scrape/relabel.ts';
import { type ScrapeTarget, TargetScraper } from './scrape/target-scraper.ts';
import { SampleStore, SeriesLimitError } from './storage/sample-store.ts';

export interface MetricsStoreOptions {
  /** Port 0 asks the system for a free one. */
  readonly address: { readonly host: string; readonly port: number };
  readonly targets?: readonly ScrapeTarget[] | undefined;
  /** Default 15 s; from 1 s on. */
  readonly scrapeIntervalMs?: number | undefined;
  /** Default 10 s, and never longer than the interval. */
  readonly scrapeTimeoutMs?: number | undefined;
  /** Default: an hour. */
  readonly retentionMs?: number | undefined;
  /** What is done to the labels of everything scraped; `bucketRules` makes the ones that add a bucket. */
  readonly relabelRules?: readonly RelabelRule[] | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Shown in the build information. */
  readonly version?: string | undefined;
  /** Default 200,000: about twice what the store is made for. */
  readonly seriesMax?: number | undefined;
  /** Of one page; default 100,000. */
  readonly samplesPerScrapeMax?: number | undefined;
  /** Of one page, or of one import; default 64 MiB. */
  readonly pageMaxBytes?: number | undefined;
  /** Default 30 s. */
  readonly queryTimeoutMs?: number | undefined;
}

export interface MetricsStore {
  readonly url: string;
  /** Scraped from now on. The same address again replaces its target. */
  addTarget(target: ScrapeTarget): Promise<void>;
  /** No longer scraped; its series end here. */
  removeTarget(url: string): Promise<void>;
  stop(): Promise<void>;
}

/** How far back a sample may lie to count as the present one. */
const LOOKBACK_MS = 5 * 60_000;
const FORGET_EVERY_MS = 30_000;
const FORM_MAX_BYTES = 2 ** 20;
const STOP_GRACE_MS = 500;
/** In place of a value that is imported: the series ends here. */
const END_MARK = 'StaleNaN';

/** Starts the metrics store in this process: it scrapes, keeps and answers until it is stopped. */
export async function openMetricsStore(options: MetricsStoreOptions): Promise<MetricsStore> {
  const { clock, random, logger } = options;
  const { scrapeIntervalMs = 15_000, scrapeTimeoutMs = 10_000, retentionMs = 3_600_000 } = options;
  const { seriesMax = 200_000, samplesPerScrapeMax = 100_000, pageMaxBytes = 64 * 2 ** 20 } = options;
  const rules = options.relabelRules ?? [];
  const store = new SampleStore({ retentionMs, seriesMax });
  const api = new MetricsApi({
    store,
    clock,
    queryTimeoutMs: options.queryTimeoutMs ?? 30_000,
    lookbackMs: LOOKBACK_MS,
    version: options.version ?? 'dev',
  });
  const takeSamples = (page: string) => importPage(page, { store, nowMs: clock.wallMs(), samplesMax: seriesMax * 240 });
  const limits = { formMaxBytes: FORM_MAX_BYTES, importMaxBytes: pageMaxBytes };
  const { server, port } = await serveMetrics({ address: options.address, api, takeSamples, logger, ...limits });

  const scrapers = new Map<string, TargetScraper>();
  const removeTarget = async (url: string) => {
    const scraper = scrapers.get(url);
    scrapers.delete(url);
    await scraper?.stop({ isGone: true });
  };
  const addTarget = async (target: ScrapeTarget) => {
    await removeTarget(target.url);
    const scraper = new TargetScraper({
      target,
      store,
      rules,
      intervalMs: scrapeIntervalMs,
      timeoutMs: Math.min(scrapeTimeoutMs, scrapeIntervalMs),
      bodyMaxBytes: pageMaxBytes,
      samplesMax: samplesPerScrapeMax,
      ...{ clock, random, logger },
    });
    scrapers.set(target.url, scraper);
    scraper.start();
  };
  let cancelForgetting = () => {};
  const forget = () => {
    store.forgetOld(clock.wallMs());
    cancelForgetting = clock.after(FORGET_EVERY_MS, forget);
  };
  cancelForgetting = clock.after(FORGET_EVERY_MS, forget);
  for (const target of options.targets ?? []) await addTarget(target);

  return {
    url: `http://${addressText(options.address.host)}:${port}`,
    addTarget,
    removeTarget,
    async stop() {
      cancelForgetting();
      await Promise.all([...scrapers.values()].map((scraper) => scraper.stop({ isGone: false })));
      scrapers.clear();
      await closeServer(server, STOP_GRACE_MS);
    },
  };
}

/** Samples that come by themselves, each with its own time or as of now. */
async function importPage(
  page: string,
  options: { store: SampleStore; nowMs: number; samplesMax: number },
): Promise<void> {
  const { store, nowMs, samplesMax } = options;
  const reader = new PageReader({ store, labels: {}, rules: [], samplesMax, endMark: END_MARK });
  try {
    const { refused, scraped } = await reader.read([page], { atMs: nowMs, nowMs: () => nowMs });
    if (refused === 0) return;
    throw new ApiError(
      'bad_data',
      `${refused} of ${scraped} samples were not taken: older than what their series has, older than the retention, or as far ahead; the others were`,
    );
  } catch (error) {
    if (error instanceof ExpositionError || error instanceof SampleLimitError)
      throw new ApiError('bad_data', error.message);
    if (error instanceof SeriesLimitError) throw new ApiError('unavailable', error.message);
    throw error;
  }
}

/** Everywhere is here, too. */
function addressText(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}

import type { Logger } from 'pino';
import type { Clock } from '../../lib/clock.ts';
import { withDeadline } from '../../lib/deadline.ts';
import type { Random } from '../../lib/random.ts';
import { labelsOf, METRIC_NAME } from '../storage/labels.ts';
import type { SampleStore } from '../storage/sample-store.ts';
import { PageFetcher } from './page-fetcher.ts';
import { type PageCounts, PageReader } from './page-reader.ts';
import type { RelabelRule } from './relabel.ts';

/** An address that is asked for its metrics again and again. */
export interface ScrapeTarget {
  /** With the path, such as `http://127.0.0.1:8090/metrics`. */
  readonly url: string;
  /** The label `job`; default `starling`. */
  readonly job?: string | undefined;
  /** The label `instance`; default: host and port of the address. */
  readonly instance?: string | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
}

export interface TargetScraperOptions {
  readonly target: ScrapeTarget;
  readonly store: SampleStore;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly bodyMaxBytes: number;
  readonly samplesMax: number;
  readonly rules: readonly RelabelRule[];
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

const JOB = 'starling';

/** Scrapes one target at even distances. A failed scrape is not repeated: the next one comes soon enough. */
export class TargetScraper {
  readonly #options: TargetScraperOptions;
  readonly #page: PageFetcher;
  readonly #reader: PageReader;
  readonly #labels: Readonly<Record<string, string>>;
  readonly #stopping = new AbortController();
  #cancel: () => void = () => {};
  #running: Promise<void> = Promise.resolve();
  #wasUp: boolean | undefined;

  constructor(options: TargetScraperOptions) {
    const { target, store, rules, samplesMax } = options;
    this.#options = options;
    this.#labels = {
      ...target.labels,
      job: target.job ?? JOB,
      instance: target.instance ?? new URL(target.url).host,
    };
    this.#page = new PageFetcher({ url: target.url, maxBytes: options.bodyMaxBytes });
    this.#reader = new PageReader({ store, rules, samplesMax, labels: this.#labels });
  }

  /** The first scrape comes at once, the others on a grid of its own, so that many targets do not fall on one moment. */
  start(): void {
    const { clock, random, intervalMs } = this.#options;
    const gridMs = clock.monotonicMs() + random.next() * intervalMs;
    const loop = async (): Promise<void> => {
      await this.scrape();
      if (this.#stopping.signal.aborted) return;
      const sinceMs = clock.monotonicMs() - gridMs;
      // What took longer than the interval is not caught up with; a scrape just before the next would be a wasted one.
      const next = Math.floor(sinceMs / intervalMs + 0.5) + 1;
      this.#cancel = clock.after(next * intervalMs - sinceMs, () => {
        this.#running = loop();
      });
    };
    this.#running = loop();
  }

  /** `isGone`: the series have ended, and are marked so. */
  async stop({ isGone }: { isGone: boolean }): Promise<void> {
    this.#stopping.abort();
    this.#cancel();
    await this.#running;
    this.#page.close();
    if (!isGone) return;
    const nowMs = this.#options.clock.wallMs();
    this.#reader.markAll({ atMs: nowMs, nowMs });
    for (const name of REPORTS) this.#report(name, Number.NaN, { nowMs, isStale: true });
  }

  async scrape(): Promise<void> {
    const { clock, target, logger } = this.#options;
    const atMs = clock.wallMs();
    const startedMs = clock.monotonicMs();
    let isUp = 1;
    let counts = { scraped: 0, relabelled: 0, added: 0 };
    try {
      counts = await this.#read(atMs);
      if (this.#wasUp === false) logger.info({ event: 'scrape.recovered', url: target.url }, 'scraped again');
    } catch (error) {
      if (this.#stopping.signal.aborted) return;
      isUp = 0;
      this.#reader.markAll({ atMs, nowMs: clock.wallMs() });
      if (this.#wasUp !== false) {
        const why = reasonOf(error);
        logger.warn({ event: 'scrape.failed', url: target.url, why }, 'a target cannot be scraped; it is tried again');
      }
    }
    this.#wasUp = isUp === 1;
    const seconds = (clock.monotonicMs() - startedMs) / 1000;
    const values = [isUp, seconds, counts.scraped, counts.relabelled, counts.added];
    for (const [at, name] of REPORTS.entries()) this.#report(name, values[at] as number, { nowMs: atMs });
  }

  #report(name: string, value: number, { nowMs, isStale = false }: { nowMs: number; isStale?: boolean }): void {
    const { store, logger } = this.#options;
    try {
      const series = store.series(labelsOf([[METRIC_NAME, name], ...Object.entries(this.#labels)]));
      store.append(series, { timeMs: nowMs, value, nowMs, isStale });
    } catch (error) {
      const facts = { event: 'scrape.unreported', err: error };
      logger.warn(facts, 'no room for the series that describe a scrape');
    }
  }

  async #read(atMs: number): Promise<PageCounts> {
    const { clock, timeoutMs } = this.#options;
    const deadline = { clock, what: 'the scrape', afterMs: timeoutMs, signal: this.#stopping.signal };
    return withDeadline(deadline, (signal) =>
      this.#reader.read(this.#page.pieces({ timeoutMs, signal }), { atMs, nowMs: () => clock.wallMs(), signal }),
    );
  }
}

/** The series that describe a scrape, in Prometheus' names. */
const REPORTS = [
  'up',
  'scrape_duration_seconds',
  'scrape_samples_scraped',
  'scrape_samples_post_metric_relabeling',
  'scrape_series_added',
] as const;

function reasonOf(error: unknown): string {
  const { message, cause } = error as Error;
  return cause instanceof Error ? `${message}: ${cause.message}` : message;
}

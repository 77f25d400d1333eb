import { type Labels, labelsOf } from '../storage/labels.ts';
import type { SampleStore } from '../storage/sample-store.ts';
import type { Series } from '../storage/series-index.ts';
import {
  ExpositionError,
  type ExpositionVisitor,
  type PageSample,
  readExposition,
  readSeriesText,
} from './exposition.ts';
import { type RelabelRule, relabel } from './relabel.ts';

interface Entry {
  readonly text: string;
  /** Undefined: the rules drop it. */
  series: Series | undefined;
  /** The number of the last page that had it. */
  page: number;
  /** With a time of its own: such series end by themselves and are not marked. */
  hasTime: boolean;
}

const NEVER = -2;

/** A page brought more than it may. */
export class SampleLimitError extends Error {
  constructor(limit: number) {
    super(`the page has more than ${limit} samples`);
    this.name = 'SampleLimitError';
  }
}

export interface PageReaderOptions {
  readonly store: SampleStore;
  /** Added to every series; a label of the page by the same name becomes `exported_…`. */
  readonly labels: Readonly<Record<string, string>>;
  readonly rules: readonly RelabelRule[];
  readonly samplesMax: number;
  /** A word that may stand for a value, and says that the series has ended; for pages that replay what was. */
  readonly endMark?: string | undefined;
}

export interface PageCounts {
  /** Samples on the page. */
  readonly scraped: number;
  /** Those that the rules left. */
  readonly relabelled: number;
  /** Series that the page before did not have. */
  readonly added: number;
  /** Samples that the store refused for their time. */
  readonly refused: number;
}

/** Puts the pages of one target into the store. It remembers which text is which series, because pages repeat themselves. */
export class PageReader {
  readonly #options: PageReaderOptions;
  readonly #entries = new Map<string, Entry>();
  #page = 0;
  #order: Entry[] = [];
  #values = new Float64Array(64);
  #times = new Float64Array(64);
  #ends = new Uint8Array(64);

  constructor(options: PageReaderOptions) {
    this.#options = options;
  }

  /**
   * All of a page or nothing; it comes in pieces that end where a line ends. Throws what is wrong with it, and once `signal`
   * is aborted.
   */
  async read(
    pieces: Iterable<string> | AsyncIterable<string>,
    { atMs, nowMs, signal }: { atMs: number; nowMs: () => number; signal?: AbortSignal },
  ): Promise<PageCounts> {
    const { store } = this.#options;
    const fresh: Entry[] = [];
    try {
      const order = await this.#parse(pieces, { fresh, signal });
      for (const entry of order) if (entry.series?.isDropped) this.#renew(entry, fresh);
      return this.#keepAll(order, { atMs, nowMs: nowMs() });
    } catch (error) {
      // What a refused page brought is not remembered: it belongs to no page, and nobody would let go of it.
      for (const entry of fresh) if (entry.page === NEVER) this.#entries.delete(entry.text);
      throw error;
    } finally {
      store.forgetEmpty(fresh.flatMap(({ series }) => series ?? []));
    }
  }

  /** There was no page: whatever the last one had has ended. */
  markAll(times: { atMs: number; nowMs: number }): void {
    this.#page += 1;
    const before = this.#order;
    this.#order = [];
    this.#markMissing(before, times);
  }

  #keepAll(order: Entry[], times: { atMs: number; nowMs: number }): PageCounts {
    const before = this.#order;
    this.#page += 1;
    let relabelled = 0;
    let added = 0;
    let refused = 0;
    for (let at = 0; at < order.length; at += 1) {
      const entry = order[at] as Entry;
      if (entry.page !== this.#page - 1) added += 1;
      entry.page = this.#page;
      if (entry.series === undefined) continue;
      relabelled += 1;
      const ownMs = this.#times[at] as number;
      entry.hasTime = !Number.isNaN(ownMs);
      const timeMs = entry.hasTime ? ownMs : times.atMs;
      const isStale = this.#ends[at] === 1;
      const sample = { timeMs, value: this.#values[at] as number, nowMs: times.nowMs, isStale };
      const end = this.#options.store.append(entry.series, sample);
      if (end !== 'kept' && end !== 'same') refused += 1;
    }
    this.#order = order;
    this.#markMissing(before, times);
    return { scraped: order.length, relabelled, added, refused };
  }

  /** The store let go of its series in the meantime. */
  #renew(entry: Entry, fresh: Entry[]): void {
    entry.series = entry.series && this.#options.store.series(entry.series.labels);
    fresh.push(entry);
  }

  #markMissing(before: readonly Entry[], { atMs, nowMs }: { atMs: number; nowMs: number }): void {
    for (const entry of before) {
      if (entry.page === this.#page) continue;
      this.#entries.delete(entry.text);
      const { series, hasTime } = entry;
      if (series === undefined || hasTime || series.isDropped) continue;
      this.#options.store.append(series, { timeMs: atMs, value: Number.NaN, nowMs, isStale: true });
    }
  }

  async #parse(
    pieces: Iterable<string> | AsyncIterable<string>,
    { fresh, signal }: { fresh: Entry[]; signal: AbortSignal | undefined },
  ): Promise<Entry[]> {
    const before = this.#order;
    const order: Entry[] = [];
    const { samplesMax, endMark } = this.#options;
    // Where the page before had what comes next here, as long as the pages go alike.
    let next = 0;
    const visitor: ExpositionVisitor = {
      endMark,
      foreseen: () => before[next]?.text,
      sample: (text, sample, line) => {
        if (order.length === samplesMax) throw new SampleLimitError(samplesMax);
        let entry: Entry;
        if (text === undefined) {
          entry = before[next] as Entry;
          next += 1;
        } else {
          entry = this.#entries.get(text) ?? this.#newEntry(text, { line, fresh });
          const after = before[next + 1];
          // One series gone, or one new: the foreseen order goes on behind it.
          if (after === entry) next += 2;
          else if (before[next] === entry) next += 1;
        }
        this.#keep(order.length, sample);
        order.push(entry);
      },
    };
    let lines = 0;
    for await (const piece of pieces) {
      signal?.throwIfAborted();
      lines = readExposition(piece, visitor, lines);
    }
    signal?.throwIfAborted();
    return order;
  }

  #keep(at: number, { value, timeMs, isEnd }: PageSample): void {
    if (at === this.#values.length) {
      const [values, times, ends] = [this.#values, this.#times, this.#ends];
      this.#values = new Float64Array(at * 2);
      this.#times = new Float64Array(at * 2);
      this.#ends = new Uint8Array(at * 2);
      this.#values.set(values);
      this.#times.set(times);
      this.#ends.set(ends);
    }
    this.#values[at] = value;
    this.#times[at] = timeMs ?? Number.NaN;
    this.#ends[at] = isEnd ? 1 : 0;
  }

  #newEntry(text: string, { line, fresh }: { line: number; fresh: Entry[] }): Entry {
    const pairs = readSeriesText(text);
    if (!pairs) throw new ExpositionError(line, `no series: ${JSON.stringify(text.slice(0, 120))}`);
    const labels = relabel(this.#labelled(pairs), this.#options.rules);
    // A copy of its own: a piece of the page would keep the whole page.
    const kept = Buffer.from(text).toString();
    const series = labels && this.#options.store.series(labels);
    const entry: Entry = { text: kept, series, page: NEVER, hasTime: false };
    this.#entries.set(kept, entry);
    fresh.push(entry);
    return entry;
  }

  #labelled(pairs: readonly (readonly [string, string])[]): Labels {
    const given = this.#options.labels;
    const renamed = pairs.map(
      ([name, value]) => [Object.hasOwn(given, name) ? `exported_${name}` : name, value] as const,
    );
    return labelsOf([...renamed, ...Object.entries(given)]);
  }
}

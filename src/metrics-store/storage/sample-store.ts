import type { Labels } from './labels.ts';
import type { Matcher } from './matcher.ts';
import { SampleSlabs, type SampleSpan } from './sample-slabs.ts';
import { type Series, SeriesIndex } from './series-index.ts';

/** What became of a sample: only `kept` ones are there afterwards. */
export type Appended = 'kept' | 'same' | 'out-of-order' | 'too-old' | 'too-far-ahead';

/** There is no room for another series. */
export class SeriesLimitError extends Error {
  constructor(limit: number) {
    super(`the store holds ${limit} series and takes no more; raise the series limit or scrape less`);
    this.name = 'SeriesLimitError';
  }
}

/** Samples of the last while, in memory. Times are milliseconds since the epoch and come from outside. */
export class SampleStore {
  readonly #retentionMs: number;
  readonly #seriesMax: number;
  readonly #index = new SeriesIndex();
  readonly #slabs = new SampleSlabs();

  constructor({ retentionMs, seriesMax }: { retentionMs: number; seriesMax: number }) {
    this.#retentionMs = retentionMs;
    this.#seriesMax = seriesMax;
  }

  get seriesCount(): number {
    return this.#index.size;
  }

  get sampleBytes(): number {
    return this.#slabs.bytes;
  }

  /** Throws a SeriesLimitError for one series too many. */
  series(labels: Labels): Series {
    const known = this.#index.find(labels);
    if (known) return known;
    if (this.#index.size >= this.#seriesMax) throw new SeriesLimitError(this.#seriesMax);
    const series: Series = {
      labels: this.#index.intern(labels),
      blocks: [],
      lastMs: Number.NEGATIVE_INFINITY,
      isDropped: false,
    };
    this.#index.add(series);
    return series;
  }

  append(series: Series, sample: { timeMs: number; value: number; nowMs: number; isStale?: boolean }): Appended {
    const { timeMs, value, nowMs, isStale = false } = sample;
    if (timeMs <= series.lastMs) return timeMs === series.lastMs ? 'same' : 'out-of-order';
    if (timeMs < nowMs - this.#retentionMs) return 'too-old';
    if (timeMs > nowMs + this.#retentionMs) return 'too-far-ahead';
    const last = series.blocks.at(-1);
    const block = last === undefined ? undefined : this.#slabs.append(last, timeMs, value, isStale);
    if (block === undefined) series.blocks.push(this.#slabs.begin(timeMs, value, isStale));
    else if (block !== last) series.blocks[series.blocks.length - 1] = block;
    series.lastMs = timeMs;
    return 'kept';
  }

  select(matchers: readonly Matcher[]): Series[] {
    return this.#index.select(matchers);
  }

  /** Whether the series has a sample in [fromMs, toMs]. */
  isAliveWithin(series: Series, fromMs: number, toMs: number): boolean {
    return (
      series.lastMs >= fromMs && series.blocks.length > 0 && this.#slabs.baseMs(series.blocks[0] as number) <= toMs
    );
  }

  /** Copies the samples of [fromMs, toMs] into `span`, in place of what it held. */
  copy(series: Series, options: { fromMs: number; toMs: number; keepStale: boolean }, span: SampleSpan): void {
    span.count = 0;
    const { blocks } = series;
    let at = blocks.length - 1;
    while (at > 0 && this.#slabs.baseMs(blocks[at] as number) > options.fromMs) at -= 1;
    for (; at >= 0 && at < blocks.length; at += 1) {
      if (!this.#slabs.copy(blocks[at] as number, options, span)) return;
    }
  }

  /** The value at `atMs`, as old as `notBeforeMs` at most; undefined when there is none, or the series had ended. */
  latest(series: Series, atMs: number, notBeforeMs: number): { timeMs: number; value: number } | undefined {
    const { blocks } = series;
    for (let at = blocks.length - 1; at >= 0; at -= 1) {
      const block = blocks[at] as number;
      const index = this.#slabs.findLast(block, atMs);
      if (index < 0) continue;
      const timeMs = this.#slabs.timeAt(block, index);
      if (timeMs < notBeforeMs) return undefined;
      const value = this.#slabs.valueAt(block, index);
      if (Number.isNaN(value) && this.#slabs.isStaleAt(block, index)) return undefined;
      return { timeMs, value };
    }
    return undefined;
  }

  /** Lets go of blocks that are wholly older than the retention, and of series that have none left. */
  forgetOld(nowMs: number): void {
    const oldestMs = nowMs - this.#retentionMs;
    const gone = new Set<Series>();
    for (const series of this.#index.all()) {
      const { blocks } = series;
      let old = 0;
      while (old < blocks.length && this.#slabs.lastMs(blocks[old] as number) < oldestMs) old += 1;
      if (old > 0) for (const block of blocks.splice(0, old)) this.#slabs.giveBack(block);
      if (blocks.length === 0) gone.add(series);
    }
    this.#drop(gone);
  }

  /** Lets go of those that were asked for and then got no sample: they would take up room and be found nowhere. */
  forgetEmpty(series: Iterable<Series>): void {
    const gone = new Set<Series>();
    for (const one of series) if (one.blocks.length === 0 && !one.isDropped) gone.add(one);
    this.#drop(gone);
  }

  #drop(gone: ReadonlySet<Series>): void {
    // Holders of a series look at this before the next append.
    for (const series of gone) series.isDropped = true;
    if (gone.size > 0) this.#index.remove(gone);
  }
}

/** Samples of one block: two of them cover an hour at a scrape interval of a minute, eight at 15 s. */
export const BLOCK_SAMPLES = 32;
const SLAB_BLOCKS = 1024;
const OFFSET_MAX_MS = 2 ** 32 - 1;

/** The very bits by which Prometheus tells the end of a series from a NaN that was measured. */
const STALE_HIGH = 0x7ff00000;
const STALE_LOW = 2;
const [LOW_WORD, HIGH_WORD] = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1 ? [0, 1] : [1, 0];

interface Slab {
  readonly values: Float64Array;
  /** The same memory: a NaN that goes through a JavaScript number may lose its bits. */
  readonly words: Uint32Array;
  /** Milliseconds after the block's base. */
  readonly offsets: Uint32Array;
  readonly bases: Float64Array;
  readonly counts: Uint8Array;
}

/** Where samples are copied to be looked at; grows to the longest span it has held. */
export class SampleSpan {
  times = new Float64Array(256);
  values = new Float64Array(256);
  stale = new Uint8Array(256);
  count = 0;

  push(timeMs: number, value: number, isStale: boolean): void {
    if (this.count === this.times.length) this.#grow();
    this.times[this.count] = timeMs;
    this.values[this.count] = value;
    this.stale[this.count] = isStale ? 1 : 0;
    this.count += 1;
  }

  #grow(): void {
    const size = this.times.length * 2;
    const { times, values, stale } = this;
    this.times = new Float64Array(size);
    this.values = new Float64Array(size);
    this.stale = new Uint8Array(size);
    this.times.set(times);
    this.values.set(values);
    this.stale.set(stale);
  }
}

/**
 * Memory for samples: 12 bytes each, in blocks that are handed out and taken back. One typed array per series would cost more
 * than its samples do (about 200 bytes each before the first sample).
 */
export class SampleSlabs {
  readonly #slabs: Slab[] = [];
  readonly #free: number[] = [];

  get bytes(): number {
    return this.#slabs.length * SLAB_BLOCKS * (BLOCK_SAMPLES * 12 + 9);
  }

  take(baseMs: number): number {
    if (this.#free.length === 0) this.#addSlab();
    const block = this.#free.pop() as number;
    const { bases, counts } = this.#slabOf(block);
    bases[block % SLAB_BLOCKS] = baseMs;
    counts[block % SLAB_BLOCKS] = 0;
    return block;
  }

  giveBack(block: number): void {
    this.#free.push(block);
  }

  /** False when the block is full, or begins too long before. */
  append(block: number, timeMs: number, value: number, isStale: boolean): boolean {
    const slab = this.#slabOf(block);
    const place = block % SLAB_BLOCKS;
    const count = slab.counts[place] as number;
    const offset = timeMs - (slab.bases[place] as number);
    if (count === BLOCK_SAMPLES || offset > OFFSET_MAX_MS) return false;
    const at = place * BLOCK_SAMPLES + count;
    slab.offsets[at] = offset;
    if (isStale) {
      slab.words[at * 2 + LOW_WORD] = STALE_LOW;
      slab.words[at * 2 + HIGH_WORD] = STALE_HIGH;
    } else slab.values[at] = value;
    slab.counts[place] = count + 1;
    return true;
  }

  baseMs(block: number): number {
    return this.#slabOf(block).bases[block % SLAB_BLOCKS] as number;
  }

  lastMs(block: number): number {
    const slab = this.#slabOf(block);
    const place = block % SLAB_BLOCKS;
    const last = place * BLOCK_SAMPLES + (slab.counts[place] as number) - 1;
    return (slab.bases[place] as number) + (slab.offsets[last] as number);
  }

  /** Appends what the block holds of [fromMs, toMs] to `span`; false when it went past the end. */
  copy(block: number, options: { fromMs: number; toMs: number; keepStale: boolean }, span: SampleSpan): boolean {
    const slab = this.#slabOf(block);
    const place = block % SLAB_BLOCKS;
    const base = slab.bases[place] as number;
    const first = place * BLOCK_SAMPLES;
    const end = first + (slab.counts[place] as number);
    for (let at = first; at < end; at += 1) {
      const timeMs = base + (slab.offsets[at] as number);
      if (timeMs < options.fromMs) continue;
      if (timeMs > options.toMs) return false;
      const value = slab.values[at] as number;
      const isStale = Number.isNaN(value) && isStaleAt(slab, at);
      if (!isStale || options.keepStale) span.push(timeMs, value, isStale);
    }
    return true;
  }

  /** The newest sample at or before `atMs`: its place for `timeAt` and `valueAt`, or -1. */
  findLast(block: number, atMs: number): number {
    const slab = this.#slabOf(block);
    const place = block % SLAB_BLOCKS;
    const base = slab.bases[place] as number;
    const first = place * BLOCK_SAMPLES;
    for (let at = first + (slab.counts[place] as number) - 1; at >= first; at -= 1) {
      if (base + (slab.offsets[at] as number) <= atMs) return at - first;
    }
    return -1;
  }

  timeAt(block: number, index: number): number {
    const slab = this.#slabOf(block);
    const place = block % SLAB_BLOCKS;
    return (slab.bases[place] as number) + (slab.offsets[place * BLOCK_SAMPLES + index] as number);
  }

  valueAt(block: number, index: number): number {
    return this.#slabOf(block).values[(block % SLAB_BLOCKS) * BLOCK_SAMPLES + index] as number;
  }

  isStaleAt(block: number, index: number): boolean {
    return isStaleAt(this.#slabOf(block), (block % SLAB_BLOCKS) * BLOCK_SAMPLES + index);
  }

  #slabOf(block: number): Slab {
    return this.#slabs[(block / SLAB_BLOCKS) | 0] as Slab;
  }

  #addSlab(): void {
    const values = new Float64Array(SLAB_BLOCKS * BLOCK_SAMPLES);
    const first = this.#slabs.length * SLAB_BLOCKS;
    this.#slabs.push({
      values,
      words: new Uint32Array(values.buffer),
      offsets: new Uint32Array(SLAB_BLOCKS * BLOCK_SAMPLES),
      bases: new Float64Array(SLAB_BLOCKS),
      counts: new Uint8Array(SLAB_BLOCKS),
    });
    for (let block = first + SLAB_BLOCKS - 1; block >= first; block -= 1) this.#free.push(block);
  }
}

function isStaleAt({ words }: Slab, at: number): boolean {
  return words[at * 2 + LOW_WORD] === STALE_LOW && words[at * 2 + HIGH_WORD] === STALE_HIGH;
}

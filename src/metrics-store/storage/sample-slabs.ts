/** Samples of one block: two of them cover an hour at a scrape interval of a minute, eight at 15 s. */
export const BLOCK_SAMPLES = 32;
const SLAB_BLOCKS = 1024;
const STEP_MAX_MS = 2 ** 32 - 1;
const STRAY_MAX_MS = 2 ** 15 - 1;

/** The very bits by which Prometheus tells the end of a series from a NaN that was measured. */
const STALE_HIGH = 0x7ff00000;
const STALE_LOW = 2;
const [LOW_WORD, HIGH_WORD] = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1 ? [0, 1] : [1, 0];

interface Slab {
  /** Whether all samples of a block have the same value, which then stands there once. */
  readonly isConstant: boolean;
  readonly values: Float64Array;
  /** The same memory: a NaN that goes through a JavaScript number may lose its bits. */
  readonly words: Uint32Array;
  /** Blocks lay an even grid through their first two samples; milliseconds by which each is off it. */
  readonly strays: Int16Array;
  readonly stepsMs: Uint32Array;
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
 * Memory for samples: ten bytes each, two while the value stays what it was, in blocks that are handed out and taken back. One
 * typed array per series would cost more than its samples do (about 200 bytes each before the first sample).
 */
export class SampleSlabs {
  readonly #slabs: Slab[] = [];
  readonly #free = { constant: [] as number[], varied: [] as number[] };
  #bytes = 0;

  get bytes(): number {
    return this.#bytes;
  }

  /** A block that begins with this sample. */
  begin(timeMs: number, value: number, isStale: boolean): number {
    const block = this.#take(!isStale);
    const slab = this.#slabOf(block);
    const place = block % SLAB_BLOCKS;
    slab.bases[place] = timeMs;
    slab.strays[place * BLOCK_SAMPLES] = 0;
    slab.counts[place] = 1;
    write(slab, valuePlace(slab, place, 0), value, isStale);
    return block;
  }

  giveBack(block: number): void {
    this.#freeOf(this.#slabOf(block).isConstant).push(block);
  }

  /**
   * The block that has the sample now: another one, with all that was in it, where the value is the first to differ.
   * Undefined when the block is full, or the time too far off its grid.
   */
  append(block: number, timeMs: number, value: number, isStale: boolean): number | undefined {
    const slab = this.#slabOf(block);
    const place = block % SLAB_BLOCKS;
    const count = slab.counts[place] as number;
    const passedMs = timeMs - (slab.bases[place] as number);
    if (count === BLOCK_SAMPLES) return undefined;
    if (count === 1) {
      if (passedMs > STEP_MAX_MS) return undefined;
      slab.stepsMs[place] = passedMs;
    }
    const strayMs = passedMs - count * (slab.stepsMs[place] as number);
    if (Math.abs(strayMs) > STRAY_MAX_MS) return undefined;
    slab.strays[place * BLOCK_SAMPLES + count] = strayMs;
    slab.counts[place] = count + 1;
    if (!slab.isConstant) {
      write(slab, valuePlace(slab, place, count), value, isStale);
      return block;
    }
    return !isStale && Object.is(slab.values[place], value) ? block : this.#varied(block, value, isStale);
  }

  baseMs(block: number): number {
    return this.#slabOf(block).bases[block % SLAB_BLOCKS] as number;
  }

  lastMs(block: number): number {
    const slab = this.#slabOf(block);
    const place = block % SLAB_BLOCKS;
    return timeAt(slab, place, (slab.counts[place] as number) - 1);
  }

  /** Appends what the block holds of [fromMs, toMs] to `span`; false when it went past the end. */
  copy(block: number, options: { fromMs: number; toMs: number; keepStale: boolean }, span: SampleSpan): boolean {
    const slab = this.#slabOf(block);
    const place = block % SLAB_BLOCKS;
    const count = slab.counts[place] as number;
    for (let index = firstFrom(slab, place, options.fromMs); index < count; index += 1) {
      const timeMs = timeAt(slab, place, index);
      if (timeMs > options.toMs) return false;
      const at = valuePlace(slab, place, index);
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
    let index = (slab.counts[place] as number) - 1;
    while (index >= 0 && timeAt(slab, place, index) > atMs) index -= 1;
    return index;
  }

  timeAt(block: number, index: number): number {
    return timeAt(this.#slabOf(block), block % SLAB_BLOCKS, index);
  }

  valueAt(block: number, index: number): number {
    const slab = this.#slabOf(block);
    return slab.values[valuePlace(slab, block % SLAB_BLOCKS, index)] as number;
  }

  isStaleAt(block: number, index: number): boolean {
    const slab = this.#slabOf(block);
    return isStaleAt(slab, valuePlace(slab, block % SLAB_BLOCKS, index));
  }

  /** Moves a constant block, whose last sample is this one, to where each sample has its own value. */
  #varied(block: number, value: number, isStale: boolean): number {
    const moved = this.#take(false);
    const [from, to] = [this.#slabOf(block), this.#slabOf(moved)];
    const [place, target] = [block % SLAB_BLOCKS, moved % SLAB_BLOCKS];
    const count = from.counts[place] as number;
    to.bases[target] = from.bases[place] as number;
    to.stepsMs[target] = from.stepsMs[place] as number;
    to.counts[target] = count;
    const first = place * BLOCK_SAMPLES;
    to.strays.set(from.strays.subarray(first, first + count), target * BLOCK_SAMPLES);
    const values = target * BLOCK_SAMPLES;
    to.values.fill(from.values[place] as number, values, values + count - 1);
    write(to, values + count - 1, value, isStale);
    this.giveBack(block);
    return moved;
  }

  #take(isConstant: boolean): number {
    const free = this.#freeOf(isConstant);
    if (free.length === 0) this.#addSlab(isConstant);
    return free.pop() as number;
  }

  #freeOf(isConstant: boolean): number[] {
    return isConstant ? this.#free.constant : this.#free.varied;
  }

  #slabOf(block: number): Slab {
    return this.#slabs[(block / SLAB_BLOCKS) | 0] as Slab;
  }

  #addSlab(isConstant: boolean): void {
    const values = new Float64Array(isConstant ? SLAB_BLOCKS : SLAB_BLOCKS * BLOCK_SAMPLES);
    const first = this.#slabs.length * SLAB_BLOCKS;
    const slab: Slab = {
      isConstant,
      values,
      words: new Uint32Array(values.buffer),
      strays: new Int16Array(SLAB_BLOCKS * BLOCK_SAMPLES),
      stepsMs: new Uint32Array(SLAB_BLOCKS),
      bases: new Float64Array(SLAB_BLOCKS),
      counts: new Uint8Array(SLAB_BLOCKS),
    };
    this.#slabs.push(slab);
    for (const array of [values, slab.strays, slab.stepsMs, slab.bases, slab.counts]) this.#bytes += array.byteLength;
    const free = this.#freeOf(isConstant);
    for (let block = first + SLAB_BLOCKS - 1; block >= first; block -= 1) free.push(block);
  }
}

function timeAt({ bases, stepsMs, strays }: Slab, place: number, index: number): number {
  const onGridMs = (bases[place] as number) + index * (stepsMs[place] as number);
  // The step of a block with one sample is one that another block left there; nought times that is nought.
  return onGridMs + (strays[place * BLOCK_SAMPLES + index] as number);
}

/** The first sample of the block from `fromMs` on. The grid says about where it is, and times ascend. */
function firstFrom(slab: Slab, place: number, fromMs: number): number {
  const count = slab.counts[place] as number;
  const passedMs = fromMs - (slab.bases[place] as number);
  if (passedMs <= 0) return 0;
  const stepMs = slab.stepsMs[place] as number;
  let index = count === 1 ? 0 : Math.min(count, Math.ceil(passedMs / stepMs));
  while (index > 0 && timeAt(slab, place, index - 1) >= fromMs) index -= 1;
  while (index < count && timeAt(slab, place, index) < fromMs) index += 1;
  return index;
}

function valuePlace(slab: Slab, place: number, index: number): number {
  return slab.isConstant ? place : place * BLOCK_SAMPLES + index;
}

function write({ values, words }: Slab, at: number, value: number, isStale: boolean): void {
  if (isStale) {
    words[at * 2 + LOW_WORD] = STALE_LOW;
    words[at * 2 + HIGH_WORD] = STALE_HIGH;
  } else values[at] = value;
}

function isStaleAt({ words }: Slab, at: number): boolean {
  return words[at * 2 + LOW_WORD] === STALE_LOW && words[at * 2 + HIGH_WORD] === STALE_HIGH;
}

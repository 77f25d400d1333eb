import type { Sample } from '../domain/signal.ts';

/** Offsets inside a grid step are kept in units of 10 ms, so that 16 bits reach past the longest step. */
const OFFSET_UNIT_MS = 10;
export const GRID_STEP_MAX_MS = 600_000;

/**
 * Past samples of many versions on one time grid: a ring of `slots` steps each, in typed arrays, by the row number that
 * the owner of the history gives a version. A step keeps the newest sample that fell into it. 100,000 versions with 11 slots take 7 MB.
 */
export class History {
  readonly #stepMs: number;
  readonly #slots: number;
  #capacity = 0;
  #values = new Float32Array(0);
  #offsets = new Uint16Array(0);
  /** The newest step written, per row; -1 for none. */
  #lastSteps = new Float64Array(0);

  constructor(options: { stepMs: number; lookBackMs: number }) {
    if (options.stepMs > GRID_STEP_MAX_MS) throw new RangeError(`stepMs must be at most ${GRID_STEP_MAX_MS}`);
    this.#stepMs = options.stepMs;
    this.#slots = Math.floor(options.lookBackMs / options.stepMs) + 1;
  }

  /** Remembers what was just read. Whatever stands there as later was written by a clock that has been set back since. */
  push(row: number, atMs: number, value: number): void {
    if (row < this.#capacity) this.#rewind(row, atMs);
    this.add(row, atMs, value);
  }

  /** Remembers a sample. One that is older than the ring, or than what its step already holds, is left out. */
  add(row: number, atMs: number, value: number): void {
    if (row >= this.#capacity) this.#grow(Math.max(256, row + 1, Math.ceil(this.#capacity * 1.5)));
    const step = Math.floor(atMs / this.#stepMs);
    const lastStep = this.#lastSteps[row] ?? -1;
    const offset = Math.floor((atMs - step * this.#stepMs) / OFFSET_UNIT_MS);
    if (lastStep >= 0 && step <= lastStep - this.#slots) return;
    if (step > lastStep) {
      // What the ring held a lap ago must not come back as if it were new.
      for (let lapped = Math.max(lastStep + 1, step - this.#slots + 1); lapped <= step; lapped += 1) {
        this.#values[this.#cell(row, lapped)] = Number.NaN;
      }
      this.#lastSteps[row] = step;
    }
    const cell = this.#cell(row, step);
    const isFilled = !Number.isNaN(this.#values[cell]);
    if (isFilled && (this.#offsets[cell] ?? 0) > offset) return;
    this.#values[cell] = value;
    this.#offsets[cell] = offset;
  }

  /** Samples of the last `slots` steps up to `nowMs`, oldest first. */
  samples(row: number, nowMs: number): Sample[] {
    const nowStep = Math.floor(nowMs / this.#stepMs);
    const lastStep = Math.min(this.#lastSteps[row] ?? -1, nowStep);
    const samples: Sample[] = [];
    for (let step = Math.max(0, nowStep - this.#slots + 1); step <= lastStep; step += 1) {
      const cell = this.#cell(row, step);
      const value = this.#values[cell] ?? Number.NaN;
      if (Number.isNaN(value)) continue;
      samples.push({ atMs: step * this.#stepMs + (this.#offsets[cell] ?? 0) * OFFSET_UNIT_MS, value });
    }
    return samples;
  }

  /** The newest value, however old. */
  latest(row: number): number | undefined {
    const lastStep = this.#lastSteps[row] ?? -1;
    return lastStep < 0 ? undefined : this.#values[this.#cell(row, lastStep)];
  }

  forget(row: number): void {
    if (row < this.#capacity) this.#lastSteps[row] = -1;
  }

  #rewind(row: number, atMs: number): void {
    const step = Math.floor(atMs / this.#stepMs);
    const lastStep = this.#lastSteps[row] ?? -1;
    if (lastStep < step) return;
    const cell = this.#cell(row, step);
    if (lastStep === step) {
      if ((this.#offsets[cell] ?? 0) * OFFSET_UNIT_MS > atMs - step * this.#stepMs) this.#values[cell] = Number.NaN;
      return;
    }
    for (let ahead = Math.max(step, lastStep - this.#slots + 1); ahead <= lastStep; ahead += 1) {
      this.#values[this.#cell(row, ahead)] = Number.NaN;
    }
    this.#lastSteps[row] = step;
  }

  #cell(row: number, step: number): number {
    return row * this.#slots + (step % this.#slots);
  }

  #grow(capacity: number): void {
    const values = new Float32Array(capacity * this.#slots).fill(Number.NaN);
    values.set(this.#values);
    const offsets = new Uint16Array(capacity * this.#slots);
    offsets.set(this.#offsets);
    const lastSteps = new Float64Array(capacity).fill(-1);
    lastSteps.set(this.#lastSteps);
    this.#values = values;
    this.#offsets = offsets;
    this.#lastSteps = lastSteps;
    this.#capacity = capacity;
  }
}

import type { PastSamples } from '../../ports/signal-reader.ts';
import type { VersionIndex } from './version-index.ts';

/** Past values of one signal, a column for each moment: an array for each sample was most of the memory of a start. */
export class PastColumns implements PastSamples {
  readonly #index: VersionIndex;
  readonly #columns: { readonly atMs: number; readonly values: Float64Array }[] = [];

  constructor(index: VersionIndex) {
    this.#index = index;
  }

  /** Values by slot, NaN where there is none; the oldest moment first. */
  add(atMs: number, values: Float64Array): void {
    this.#columns.push({ atMs, values });
  }

  get(versionId: string): Iterable<readonly [atMs: number, value: number]> | undefined {
    const slot = this.#index.find(versionId);
    return slot === undefined ? undefined : this.#samplesAt(slot);
  }

  *#samplesAt(slot: number): Generator<readonly [atMs: number, value: number]> {
    for (const { atMs, values } of this.#columns) {
      const value = values[slot] ?? Number.NaN;
      if (!Number.isNaN(value)) yield [atMs, value];
    }
  }
}

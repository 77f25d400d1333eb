import { internString } from './intern-string.ts';

/** Small numbers for ids, given again once they are free: what is known of each can then stand in columns of typed arrays. */
export class RowNumbers {
  readonly #rows = new Map<string, number>();
  readonly #free: number[] = [];

  get size(): number {
    return this.#rows.size;
  }

  of(id: string): number | undefined {
    return this.#rows.get(id);
  }

  /** The number of this id, a new one if it had none. */
  take(id: string): number {
    const known = this.#rows.get(id);
    if (known !== undefined) return known;
    const row = this.#free.pop() ?? this.#rows.size;
    this.#rows.set(internString(id), row);
    return row;
  }

  /** The owner of the columns clears the row first. */
  release(id: string): void {
    const row = this.#rows.get(id);
    if (row === undefined) return;
    this.#rows.delete(id);
    this.#free.push(row);
  }

  ids(): IterableIterator<string> {
    return this.#rows.keys();
  }
}

/** As many rows as there are, and room for more; the new ones hold `empty`. */
export function grown(column: Float64Array, row: number, empty: number): Float64Array {
  if (row < column.length) return column;
  const longer = new Float64Array(Math.max(256, row + 1, Math.ceil(column.length * 1.5))).fill(empty);
  longer.set(column);
  return longer;
}

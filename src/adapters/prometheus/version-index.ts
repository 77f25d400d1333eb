import { internString } from '../../lib/intern-string.ts';

/** Grown this much beyond what the last answers held, it is begun anew: versions come and go. */
const SPARE_SHARE = 0.5;
const SPARE_MIN = 1_000;

/**
 * Numbers for the version ids of one part. It lasts from cycle to cycle, so that signals can be put together in typed
 * arrays instead of maps, and one string per version is kept instead of one per answer.
 */
export class VersionIndex {
  readonly #slots = new Map<string, number>();
  readonly #ids: string[] = [];

  get size(): number {
    return this.#ids.length;
  }

  slotOf(versionId: string): number {
    const known = this.#slots.get(versionId);
    if (known !== undefined) return known;
    const text = internString(versionId);
    const slot = this.#ids.push(text) - 1;
    this.#slots.set(text, slot);
    return slot;
  }

  find(versionId: string): number | undefined {
    return this.#slots.get(versionId);
  }

  idAt(slot: number): string {
    return this.#ids[slot] ?? '';
  }

  /** Whether most of it are versions that the last answers did not show. */
  isWorn(rowsLastRead: number): boolean {
    return this.#ids.length > rowsLastRead * (1 + SPARE_SHARE) + SPARE_MIN;
  }
}

import type { ActiveVersion } from '../domain/active-version.ts';
import type { Bucket } from '../domain/bucket.ts';
import { internString } from '../lib/intern-string.ts';
import { grown, RowNumbers } from '../lib/row-numbers.ts';

/** A version as its row was written last. */
export interface KnownVersion extends Omit<ActiveVersion, 'seenMs' | 'discoveryToken'> {
  /** On the monotonic clock. */
  readonly writtenMs: number;
}

/** What the holder of the discovery duty knows of the whole fleet; in columns, for it is many times what a replica owns. */
export class KnownVersions {
  readonly #rows = new RowNumbers();
  readonly #functionIds: string[] = [];
  readonly #accounts: string[] = [];
  readonly #buckets: Bucket[] = [];
  readonly #profiles: (readonly string[])[] = [];
  /** A fleet has few different lists; each is held once. */
  readonly #lists = new Map<string, readonly string[]>();
  #writtenMs: Float64Array = new Float64Array();

  get size(): number {
    return this.#rows.size;
  }

  get(versionId: string): KnownVersion | undefined {
    const row = this.#rows.of(versionId);
    if (row === undefined) return undefined;
    return {
      versionId,
      functionId: this.#functionIds[row] ?? '',
      account: this.#accounts[row] ?? '',
      bucket: this.#buckets[row] ?? 0,
      profiles: this.#profiles[row] ?? [],
      writtenMs: this.#writtenMs[row] ?? 0,
    };
  }

  set(version: ActiveVersion, writtenMs: number): void {
    const row = this.#rows.take(version.versionId);
    this.#functionIds[row] = internString(version.functionId);
    this.#accounts[row] = internString(version.account);
    this.#buckets[row] = version.bucket;
    this.#profiles[row] = this.#listOf(version.profiles);
    this.#writtenMs = grown(this.#writtenMs, row, 0);
    this.#writtenMs[row] = writtenMs;
  }

  *all(): Generator<KnownVersion> {
    for (const versionId of this.#rows.ids()) {
      const known = this.get(versionId);
      if (known) yield known;
    }
  }

  /** Drops those written before. */
  dropOlder(writtenMs: number): void {
    for (const versionId of this.#rows.ids()) {
      const row = this.#rows.of(versionId);
      if (row !== undefined && (this.#writtenMs[row] ?? 0) < writtenMs) this.#rows.release(versionId);
    }
  }

  #listOf(profiles: readonly string[]): readonly string[] {
    const key = JSON.stringify(profiles);
    const list = this.#lists.get(key) ?? profiles;
    this.#lists.set(key, list);
    return list;
  }
}

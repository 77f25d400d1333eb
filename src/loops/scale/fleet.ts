import type { ActiveVersion } from '../../domain/active-version.ts';
import type { Bucket } from '../../domain/bucket.ts';
import type { FunctionState } from '../../domain/function-state.ts';
import type { Catalogue } from '../../ports/catalogue.ts';
import type { StateKeeper } from '../../ports/state-keeper.ts';
import { readMemo } from './memo.ts';
import { type Tracked, track } from './tracked.ts';

interface Slice {
  readonly versions: Map<string, Tracked>;
  catalogueReadMs: number;
  stateReadMs: number;
}

export interface FleetOptions {
  readonly catalogue: Catalogue;
  readonly states: StateKeeper;
  /** Active rows of a bucket are read again after this long, and at once when a signal shows an unknown version. */
  readonly catalogueRefreshMs: number;
  readonly stateRefreshMs: number;
  /** The settled row of a version unseen for this long is removed. */
  readonly forgetAfterMs: number;
  readonly onForget: (versionId: string) => void;
}

/** The function versions in this replica's buckets, read from the store a whole bucket at a time. */
export class Fleet {
  readonly #options: FleetOptions;
  readonly #slices = new Map<Bucket, Slice>();
  readonly #byId = new Map<string, Tracked>();

  constructor(options: FleetOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#byId.size;
  }

  get(versionId: string): Tracked | undefined {
    return this.#byId.get(versionId);
  }

  all(): IterableIterator<Tracked> {
    return this.#byId.values();
  }

  holds(bucket: Bucket): boolean {
    return this.#slices.has(bucket);
  }

  /** Drops the buckets that went to others, and tells which. */
  keepOnly(owned: readonly Bucket[]): Bucket[] {
    const mine = new Set(owned);
    const lost = [...this.#slices.keys()].filter((bucket) => !mine.has(bucket));
    for (const bucket of lost) this.#drop(bucket);
    return lost;
  }

  /** Loads the buckets that are new, and reads again what has grown old. */
  async keepUp(owned: readonly Bucket[], time: { monotonicMs: number; wallMs: number }): Promise<void> {
    const { catalogueRefreshMs, stateRefreshMs } = this.#options;
    const isOld = (readMs: number | undefined, afterMs: number) =>
      readMs === undefined || time.monotonicMs - readMs >= afterMs;
    const staleCatalogue = owned.filter((bucket) =>
      isOld(this.#slices.get(bucket)?.catalogueReadMs, catalogueRefreshMs),
    );
    if (staleCatalogue.length > 0) {
      this.#takeVersions(staleCatalogue, await this.#options.catalogue.read(staleCatalogue), time.monotonicMs);
    }
    // After the catalogue: a version that has just appeared makes its bucket's durable rows due.
    const staleState = owned.filter((bucket) => isOld(this.#slices.get(bucket)?.stateReadMs, stateRefreshMs));
    if (staleState.length > 0) await this.#takeStates(staleState, await this.#options.states.read(staleState), time);
  }

  /** Makes the next keepUp read this bucket's active rows again. */
  expire(bucket: Bucket): void {
    const slice = this.#slices.get(bucket);
    if (slice) slice.catalogueReadMs = Number.NEGATIVE_INFINITY;
  }

  /** After a time break nothing that was read before counts. */
  expireAll(): void {
    for (const bucket of [...this.#slices.keys()]) this.#drop(bucket);
  }

  #takeVersions(buckets: readonly Bucket[], versions: readonly ActiveVersion[], nowMs: number): void {
    const byBucket = Map.groupBy(versions, (version) => version.bucket);
    for (const bucket of buckets) {
      const slice = this.#slices.get(bucket) ?? { versions: new Map(), catalogueReadMs: 0, stateReadMs: 0 };
      this.#slices.set(bucket, slice);
      slice.catalogueReadMs = nowMs;
      const rows = byBucket.get(bucket) ?? [];
      const seen = new Set(rows.map((row) => row.versionId));
      for (const row of rows) {
        const tracked = slice.versions.get(row.versionId);
        if (tracked) tracked.version = row;
        else this.#enrol(slice, row);
      }
      for (const versionId of slice.versions.keys()) if (!seen.has(versionId)) this.#remove(slice, versionId);
    }
  }

  async #takeStates(
    buckets: readonly Bucket[],
    states: readonly FunctionState[],
    time: { monotonicMs: number; wallMs: number },
  ): Promise<void> {
    for (const bucket of buckets) {
      const slice = this.#slices.get(bucket);
      if (!slice) continue;
      slice.stateReadMs = time.monotonicMs;
      for (const tracked of slice.versions.values()) tracked.isStateRead = true;
    }
    const gone: FunctionState[] = [];
    for (const state of states) {
      const tracked = this.#byId.get(state.versionId);
      if (!tracked) {
        if (state.phase === 'settled' && time.wallMs - state.settledMs > this.#options.forgetAfterMs) gone.push(state);
        continue;
      }
      // A row older than what this replica itself wrote meanwhile would be a step back.
      if (tracked.state && tracked.state.token > state.token) continue;
      if (!tracked.state) Object.assign(tracked, readMemo(state.memo, time.wallMs));
      if (tracked.state?.token === state.token && tracked.state.phase === 'settled') {
        // What became of my own claim is known here, whether or not the row has heard of it.
        tracked.isUnsettled = state.phase === 'pending';
        continue;
      }
      tracked.state = state;
      tracked.isUnsettled = false;
    }
    for (const state of gone) await this.#options.states.forget(state.bucket, state.versionId, state.token);
  }

  #enrol(slice: Slice, version: ActiveVersion): void {
    const tracked = track(version);
    slice.versions.set(version.versionId, tracked);
    this.#byId.set(version.versionId, tracked);
    // Its durable row has not been read yet: the next look at the bucket must bring it.
    slice.stateReadMs = Number.NEGATIVE_INFINITY;
  }

  #remove(slice: Slice, versionId: string): void {
    slice.versions.delete(versionId);
    this.#byId.delete(versionId);
    this.#options.onForget(versionId);
  }

  #drop(bucket: Bucket): void {
    const slice = this.#slices.get(bucket);
    if (!slice) return;
    for (const versionId of [...slice.versions.keys()]) this.#remove(slice, versionId);
    this.#slices.delete(bucket);
  }
}

import type { ActiveVersion } from '../../domain/active-version.ts';
import type { Bucket } from '../../domain/bucket.ts';
import type { FunctionState } from '../../domain/function-state.ts';
import { chunksOf } from '../../lib/chunks-of.ts';
import { internString } from '../../lib/intern-string.ts';
import type { Catalogue } from '../../ports/catalogue.ts';
import type { StateKeeper } from '../../ports/state-keeper.ts';
import { adoptRow, clampTimes, type Tracked, track } from './tracked.ts';

interface Slice {
  readonly versions: Map<string, Tracked>;
  catalogueReadMs: number;
  stateReadMs: number;
  /** Its active rows and its durable rows have been read at least once. */
  isLoaded: boolean;
}

/** Named as in the configuration, where each is explained. */
export interface FleetSettings {
  readonly scaling: {
    /** Active rows of a bucket are read again after this long, and at once when a signal shows an unknown version. */
    readonly catalogueRefreshMs: number;
    readonly stateRefreshMs: number;
  };
  /** The settled row of a version unseen for this long is removed. */
  readonly store: { readonly forgetAfterMs: number };
}

export interface FleetOptions {
  readonly catalogue: Catalogue;
  readonly states: StateKeeper;
  readonly settings: FleetSettings;
  readonly onForget: (versionId: string) => void;
}

const LONG_AGO_MS = Number.NEGATIVE_INFINITY;
/** The owner before may go on writing until it hears that the bucket is mine. */
const SECOND_LOOK_MS = 10_000;
/** Each is a conditional write, and a pass waits for them: the rest is removed over time. */
const REMOVED_AT_ONCE = 32;
/** Of a fleet of 100,000 some 6,000 rows: they are taken in within milliseconds, and no more of them are held at once. */
const BUCKETS_PER_READ = 64;

/** The function versions in this replica's buckets, read from the store a whole bucket at a time. */
export class Fleet {
  readonly #options: FleetOptions;
  readonly #slices = new Map<Bucket, Slice>();
  readonly #byId = new Map<string, Tracked>();
  /** Grows with every break of time; what was asked for under an older one does not count. */
  #epoch = 0;

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

  /** Whether the bucket has been loaded, so that its versions can be decided on. */
  holds(bucket: Bucket): boolean {
    return this.#slices.get(bucket)?.isLoaded ?? false;
  }

  /** The versions of these buckets that may be decided on. */
  *of(buckets: Iterable<Bucket>): Iterable<Tracked> {
    for (const bucket of buckets) {
      for (const tracked of this.#slices.get(bucket)?.versions.values() ?? []) if (tracked.isStateRead) yield tracked;
    }
  }

  /** Drops the buckets that went to others, and returns them. */
  keepOnly(owned: readonly Bucket[]): Bucket[] {
    const mine = new Set(owned);
    const lost = [...this.#slices.keys()].filter((bucket) => !mine.has(bucket));
    for (const bucket of lost) this.#drop(bucket);
    return lost;
  }

  /** Loads the buckets that are new, and reads again what has grown old. */
  async refresh(owned: readonly Bucket[], time: { monotonicMs: number; wallMs: number }): Promise<void> {
    const { catalogue, states, settings } = this.#options;
    const { catalogueRefreshMs, stateRefreshMs } = settings.scaling;
    const epoch = this.#epoch;
    const isOld = (readMs: number | undefined, afterMs: number) =>
      readMs === undefined || time.monotonicMs - readMs >= afterMs;
    const staleCatalogue = owned.filter((bucket) =>
      isOld(this.#slices.get(bucket)?.catalogueReadMs, catalogueRefreshMs),
    );
    for (const buckets of chunksOf(staleCatalogue, BUCKETS_PER_READ)) {
      const versions = await catalogue.read(buckets);
      if (epoch !== this.#epoch) return;
      this.#takeVersions(buckets, versions, time.monotonicMs);
    }
    // After the catalogue: a version that has just appeared makes its bucket's durable rows due.
    const staleState = owned.filter((bucket) => isOld(this.#slices.get(bucket)?.stateReadMs, stateRefreshMs));
    const gone: FunctionState[] = [];
    for (const buckets of chunksOf(staleState, BUCKETS_PER_READ)) {
      const rows = await states.read(buckets);
      if (epoch !== this.#epoch) return;
      gone.push(...this.#takeStates(buckets, rows, time));
    }
    await this.#removeGone(gone);
  }

  /** Makes the next refresh read this bucket's active rows again. */
  expire(bucket: Bucket): void {
    const slice = this.#slices.get(bucket);
    if (slice) slice.catalogueReadMs = LONG_AGO_MS;
  }

  /** After a break of time nothing that was read before counts until it has been read again. */
  distrustAll(wallMs: number): void {
    this.#epoch += 1;
    for (const slice of this.#slices.values()) {
      slice.catalogueReadMs = LONG_AGO_MS;
      slice.stateReadMs = LONG_AGO_MS;
      for (const tracked of slice.versions.values()) {
        tracked.isStateRead = false;
        clampTimes(tracked, wallMs);
      }
    }
  }

  #takeVersions(buckets: readonly Bucket[], versions: readonly ActiveVersion[], nowMs: number): void {
    const byBucket = Map.groupBy(versions, (version) => version.bucket);
    for (const bucket of buckets) {
      const slice = this.#slices.get(bucket) ?? {
        versions: new Map(),
        catalogueReadMs: 0,
        stateReadMs: LONG_AGO_MS,
        isLoaded: false,
      };
      this.#slices.set(bucket, slice);
      slice.catalogueReadMs = nowMs;
      const rows = byBucket.get(bucket) ?? [];
      const seen = new Set(rows.map((row) => row.versionId));
      for (const versionId of slice.versions.keys()) if (!seen.has(versionId)) this.#remove(slice, versionId);
      for (const row of rows) {
        const tracked = slice.versions.get(row.versionId);
        if (tracked) tracked.version = withHeldStrings(tracked.version, row);
        else this.#enrol(slice, row, nowMs);
      }
    }
  }

  /** Returns the rows of versions that are long gone. */
  #takeStates(
    buckets: readonly Bucket[],
    states: readonly FunctionState[],
    time: { monotonicMs: number; wallMs: number },
  ): FunctionState[] {
    for (const bucket of buckets) {
      const slice = this.#slices.get(bucket);
      if (!slice) continue;
      slice.stateReadMs = time.monotonicMs;
      if (!slice.isLoaded) slice.stateReadMs += SECOND_LOOK_MS - this.#options.settings.scaling.stateRefreshMs;
      slice.isLoaded = true;
      // A version whose metrics carry another bucket now is known by its new row.
      for (const [versionId, tracked] of slice.versions) tracked.isStateRead = this.#byId.get(versionId) === tracked;
    }
    const gone: FunctionState[] = [];
    for (const state of states) {
      const tracked = this.#slices.get(state.bucket)?.versions.get(state.versionId);
      if (tracked) this.#takeState(tracked, state, time.wallMs);
      else if (state.phase === 'settled' && time.wallMs - state.settledMs > this.#options.settings.store.forgetAfterMs)
        gone.push(state);
    }
    return gone;
  }

  #takeState(tracked: Tracked, state: FunctionState, wallMs: number): void {
    // A row older than what this replica itself wrote meanwhile would be a step back.
    if (tracked.state && tracked.state.token > state.token) return;
    if (tracked.state?.token === state.token && tracked.state.phase === 'settled') {
      // What became of my own claim is known here, whether or not the row has heard of it.
      tracked.isUnsettled = state.phase === 'pending';
      return;
    }
    adoptRow(tracked, state, wallMs);
  }

  /** What fails is tried again with the next look. */
  async #removeGone(gone: readonly FunctionState[]): Promise<void> {
    const { states } = this.#options;
    const first = gone.slice(0, REMOVED_AT_ONCE);
    await Promise.allSettled(first.map(({ bucket, versionId, token }) => states.forget(bucket, versionId, token)));
  }

  #enrol(slice: Slice, version: ActiveVersion, nowMs: number): void {
    const tracked = track(withSharedStrings(version), { sinceMs: nowMs, isNewborn: slice.isLoaded });
    const elsewhere = this.#byId.get(version.versionId);
    if (elsewhere) elsewhere.isStateRead = false;
    slice.versions.set(tracked.version.versionId, tracked);
    this.#byId.set(tracked.version.versionId, tracked);
    // Its durable row has not been read yet: the next look at the bucket must bring it.
    slice.stateReadMs = LONG_AGO_MS;
  }

  #remove(slice: Slice, versionId: string): void {
    const tracked = slice.versions.get(versionId);
    slice.versions.delete(versionId);
    if (tracked) tracked.isStateRead = false;
    if (this.#byId.get(versionId) !== tracked) return;
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

/** Each row comes with strings of its own, of which the account alone is in a thousand others. */
function withSharedStrings(row: ActiveVersion): ActiveVersion {
  const { versionId, functionId, account } = row;
  return {
    ...row,
    versionId: internString(versionId),
    functionId: internString(functionId),
    account: internString(account),
  };
}

/** The row just read; its ids, which do not change, stay the strings that are held already. */
function withHeldStrings(held: ActiveVersion, row: ActiveVersion): ActiveVersion {
  const { versionId } = held;
  const functionId = held.functionId === row.functionId ? held.functionId : row.functionId;
  const account = held.account === row.account ? held.account : row.account;
  return { ...row, versionId, functionId, account };
}

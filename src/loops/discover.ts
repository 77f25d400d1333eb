import type { ActiveVersion } from '../domain/active-version.ts';
import { BUCKET_COUNT, type Bucket } from '../domain/bucket.ts';
import { type FunctionVersion, isUsableId } from '../domain/function-version.ts';
import { type Part, shownBy } from '../domain/part.ts';
import { chunksOf } from '../lib/chunks-of.ts';
import { forEachLimited } from '../lib/limiter.ts';
import type { Catalogue } from '../ports/catalogue.ts';
import type { Discovered } from '../ports/signal-reader.ts';
import { placeVersion } from '../sharding/place.ts';
import type { Duty } from './duty.ts';
import { type KnownVersion, KnownVersions } from './known-versions.ts';
import type { MemberParts } from './member-parts.ts';

/** Named as in the configuration, where each is explained. */
export interface DiscoverSettings {
  readonly discovery: {
    readonly intervalMs: number;
    readonly ttlMs: number;
    readonly refreshAfterMs: number;
    /** When a part could not be read for this long, the versions last known in it are kept alive. */
    readonly heldAfterMs: number;
  };
}

export interface DiscoverOptions extends Pick<MemberParts, 'reader' | 'clock' | 'logger' | 'meters'> {
  readonly duty: Pick<Duty, 'heldToken' | 'isOver'>;
  readonly catalogue: Catalogue;
  readonly settings: DiscoverSettings;
}

const PARTS_AT_ONCE = 2;
const ROWS_PER_WRITE = 50;
const WRITES_AT_ONCE = 32;

const ALL_BUCKETS: readonly Bucket[] = Array.from({ length: BUCKET_COUNT }, (_, bucket) => bucket);

/**
 * Finds the active function versions and keeps them as rows that age out, under the discovery duty. Only what was seen is
 * written: a part that failed says nothing, and one that fails for long has its last known versions kept alive, so that
 * an outage longer than the rows' life empties nothing.
 */
export class Discover {
  readonly #options: DiscoverOptions;
  #known = new KnownVersions();
  /** Since when a part has not been read whole. */
  readonly #failingSinceMs = new Map<string, number>();
  readonly #partsNoted = new Set<string>();
  #loadedUnder: bigint | undefined;
  #found = 0;

  constructor(options: DiscoverOptions) {
    this.#options = options;
  }

  async activate({ signal }: { signal: AbortSignal }): Promise<void> {
    const { duty, reader, clock, meters, logger, settings } = this.#options;
    const token = duty.heldToken();
    if (token === undefined) {
      // A renewal that is late is no reason to read everything again.
      if (duty.isOver()) this.#forgetAll();
      return;
    }
    await this.#load(token);
    // Before anything is known it may be any number: an answer about all at once could be too large to take in.
    const versions = this.#known.size === 0 ? Number.POSITIVE_INFINITY : this.#known.size;
    const parts = reader.plan({ buckets: ALL_BUCKETS, versions, bucketCount: BUCKET_COUNT });
    await forEachLimited(parts, PARTS_AT_ONCE, async (part) => {
      signal.throwIfAborted();
      const discovered = await reader.discover(part, { signal });
      this.#note(part, discovered);
      await this.#write(await this.#dueRows(part, discovered, token));
    });
    if (this.#found > 0) {
      const facts = { event: 'versions.discovered', found: this.#found, active: this.#known.size };
      logger.info(facts, 'new function versions');
    }
    this.#found = 0;
    this.#known.dropOlder(clock.monotonicMs() - settings.discovery.ttlMs);
    meters.set('starling_discovery_versions', this.#known.size);
  }

  /** What predecessors wrote need not be written again before its time. */
  async #load(token: bigint): Promise<void> {
    if (this.#loadedUnder === token) return;
    const { catalogue, clock } = this.#options;
    const rows = await catalogue.read(ALL_BUCKETS);
    const nowMs = clock.monotonicMs();
    const wallMs = clock.wallMs();
    this.#forgetAll();
    for (const row of rows) {
      const ageMs = Math.max(0, wallMs - row.seenMs);
      this.#known.set(row, nowMs - ageMs);
    }
    this.#loadedUnder = token;
  }

  #note(part: Part, discovered: Discovered): void {
    const { clock, meters, logger } = this.#options;
    const nowMs = clock.monotonicMs();
    this.#partsNoted.add(part.name);
    if (discovered.state === 'read') this.#failingSinceMs.delete(part.name);
    else if (!this.#failingSinceMs.has(part.name)) {
      this.#failingSinceMs.set(part.name, nowMs);
      const facts = { event: `discovery.${discovered.state}`, part: part.name, detail: discovered.detail };
      logger.warn(facts, 'a part could not be read whole; its versions stay as they are');
    }
    const ageMs = nowMs - (this.#failingSinceMs.get(part.name) ?? nowMs);
    meters.set('starling_discovery_part_age_seconds', ageMs / 1000, { part: part.name });
  }

  /** New and changed versions at once, old rows when they are due, and those of a part that has been dark for long. */
  async #dueRows(part: Part, discovered: Discovered, token: bigint): Promise<ActiveVersion[]> {
    const { clock, settings } = this.#options;
    const { refreshAfterMs, heldAfterMs } = settings.discovery;
    const nowMs = clock.monotonicMs();
    const due: ActiveVersion[] = [];
    for (const version of discovered.versions) {
      if (!isUsable(version)) {
        this.#options.meters.add('starling_discovery_rejected_total', 1, { why: 'id' });
        continue;
      }
      // Where its metrics do not say where it belongs, its id does.
      const bucket = version.bucket ?? placeVersion(version.versionId);
      const row: ActiveVersion = { ...version, bucket, seenMs: clock.wallMs(), discoveryToken: token };
      const known = this.#known.get(version.versionId);
      if (known && !isOther(known, row) && nowMs - known.writtenMs < refreshAfterMs) continue;
      if (known && known.bucket !== row.bucket) await this.#retire({ ...row, ...identityOf(known) });
      if (!known) this.#found += 1;
      due.push(row);
    }
    const darkSinceMs = this.#failingSinceMs.get(part.name);
    if (darkSinceMs !== undefined && nowMs - darkSinceMs >= heldAfterMs) {
      const isShown = shownBy(part);
      for (const known of this.#known.all()) {
        if (!isShown(known) || nowMs - known.writtenMs < refreshAfterMs) continue;
        due.push({ ...identityOf(known), seenMs: clock.wallMs(), discoveryToken: token });
      }
    }
    return due;
  }

  async #write(rows: readonly ActiveVersion[]): Promise<void> {
    const { catalogue, duty, clock, settings } = this.#options;
    const ttlSeconds = Math.round(settings.discovery.ttlMs / 1000);
    const batches = [...Map.groupBy(rows, (row) => row.bucket)].flatMap(([bucket, ofBucket]) =>
      chunksOf(ofBucket, ROWS_PER_WRITE).map((chunk) => ({ bucket, chunk })),
    );
    await forEachLimited(batches, WRITES_AT_ONCE, async ({ bucket, chunk }) => {
      // A holder whose tenure is in doubt writes nothing; a late duplicate from it would do no harm.
      if (duty.heldToken() === undefined) return;
      await catalogue.enrol(bucket, chunk, { ttlSeconds });
      const nowMs = clock.monotonicMs();
      for (const row of chunk) this.#known.set(row, nowMs);
    });
  }

  /** A version whose metrics carry another bucket now: its old row must not find it a second owner until it ages out. */
  async #retire(row: ActiveVersion): Promise<void> {
    await this.#options.catalogue.enrol(row.bucket, [row], { ttlSeconds: 1 });
  }

  /** What another member knows better, its numbers included. */
  #forgetAll(): void {
    if (this.#loadedUnder === undefined) return;
    const { meters } = this.#options;
    meters.set('starling_discovery_versions', Number.NaN);
    for (const part of this.#partsNoted) meters.set('starling_discovery_part_age_seconds', Number.NaN, { part });
    this.#known = new KnownVersions();
    this.#failingSinceMs.clear();
    this.#partsNoted.clear();
    this.#loadedUnder = undefined;
  }
}

/** Labels are text from outside: one that no store could keep would take the others of its batch down with it. */
function isUsable({ versionId, functionId, account }: FunctionVersion): boolean {
  return isUsableId(versionId) && [functionId, account].every((id) => id === '' || isUsableId(id));
}

function identityOf({ writtenMs: _, ...identity }: KnownVersion): Omit<KnownVersion, 'writtenMs'> {
  return identity;
}

function isOther(a: KnownVersion, b: ActiveVersion): boolean {
  return (
    a.functionId !== b.functionId ||
    a.account !== b.account ||
    a.bucket !== b.bucket ||
    a.profiles.join() !== b.profiles.join()
  );
}

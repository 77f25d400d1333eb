import type { Part } from '../../domain/part.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Backfill, Discovered, ProfileReading, SignalReader } from '../../ports/signal-reader.ts';
import { Discovery } from './discovery.ts';
import { PartReading } from './part-reading.ts';
import { PastReading } from './past-reading.ts';
import { planParts, type Share, shareOf } from './plan-parts.ts';
import { METRIC_LABEL, Presence } from './presence.ts';
import { type Flavour, probeFlavour, probeSkew } from './probe-store.ts';
import { QueryRunner } from './query-runner.ts';
import { type Owned, ownedQuery, queriesOf, SIGNALS, type SignalProfile } from './signal-profile.ts';
import type { StoreClient } from './store-client.ts';
import { VersionIndex } from './version-index.ts';

export interface PrometheusSignalReaderOptions {
  readonly client: StoreClient;
  /** In the order in which they are preferred. */
  readonly profiles: readonly SignalProfile[];
  readonly clock: Clock;
  /** Labels that series must carry, such as `environment`; one that a profile names for some queries holds for those alone. */
  readonly labels?: Readonly<Record<string, string>> | undefined;
  /** The label that the scrape adds with `hashmod` (modulus: the number of buckets). */
  readonly bucketLabel?: string | undefined;
  /** Overrides what the profiles say. */
  readonly scrapeIntervalSeconds?: number | undefined;
  /** The span of rates in every profile: a multiple of the scrape interval. */
  readonly rateSeconds?: number | undefined;
  /** Queries ask for the moment this long ago, when samples have arrived. */
  readonly settleMs?: number | undefined;
  readonly partVersionsMax?: number | undefined;
  readonly partsMax?: number | undefined;
  readonly requestsPerCycleMax?: number | undefined;
  /** How often metrics that do not exist are looked for: the first version of a profile is found no sooner. */
  readonly presenceRecheckMs?: number | undefined;
}

/** An answer about the past holds some forty samples of each: parts of this size keep it to a few megabytes. */
const PAST_PART_VERSIONS = 1_000;
const PAST_PARTS_MAX = 256;
/** Requests of a cycle that are not reads of parts: the search for absent metrics, a presence check, the clock probe. */
const REQUESTS_BESIDE_PARTS = 3;
/** Several cycles. */
const INDEX_KEPT_MS = 120_000;
const BEGINS_LIKE_UUID = /^[0-9a-f]{8}(?:-|$)/;

/** Reads the signals of many versions with a few queries, from any store that speaks Prometheus' query API. */
export class PrometheusSignalReader implements SignalReader {
  readonly #options: PrometheusSignalReaderOptions;
  readonly #runner: QueryRunner;
  readonly #presence: Presence;
  readonly #discovery: Discovery;
  /** Whether most version ids begin as UUIDs do; assumed until they show otherwise. */
  #areIdsHex = true;
  #flavour: Flavour | undefined;
  /** By the name of the part. */
  readonly #indexes = new Map<string, { readonly index: VersionIndex; usedMs: number }>();
  /** Versions that there are, by the last answer; undefined before the first. */
  #fleetSeen: number | undefined;

  constructor(options: PrometheusSignalReaderOptions) {
    this.#options = options;
    const { client, clock, profiles, bucketLabel } = options;
    const queries = profiles.flatMap((profile) =>
      [...profile.queries.values()].map((query): Owned => ({ profile, query })),
    );
    const context = {
      labels: new Map(Object.entries(options.labels ?? {})),
      environmentLabels: new Set(queries.flatMap(({ query }) => query.environmentLabel ?? [])),
      bucketLabel,
      scrapeIntervalSeconds: options.scrapeIntervalSeconds,
      rateSeconds: options.rateSeconds,
    };
    const runner = new QueryRunner({ client, clock, settleMs: options.settleMs ?? 2_000, context });
    this.#runner = runner;
    this.#presence = new Presence(queries, {
      clock,
      context,
      recheckMs: options.presenceRecheckMs ?? 60_000,
      list: async (promql, signal) => {
        const asked = { name: 'presence', promql, atSeconds: runner.settledSeconds(), signal };
        const { series } = await runner.instant(asked);
        return new Set(Array.from(series, ({ metric }) => metric[METRIC_LABEL] ?? ''));
      },
    });
    this.#discovery = new Discovery({ profiles, runner, clock, bucketLabel, presence: this.#presence });
  }

  plan({ isForPast = false, ...share }: Share & { isForPast?: boolean }): Part[] {
    const { bucketLabel, partVersionsMax = 12_500, partsMax = 8, requestsPerCycleMax = 24 } = this.#options;
    const cut = bucketLabel !== undefined ? 'bucket-label' : this.#areIdsHex ? 'hex-prefix' : 'none';
    if (isForPast) return planParts(share, cut, { partVersionsMax: PAST_PART_VERSIONS, partsMax: PAST_PARTS_MAX });
    const affordable = Math.floor((requestsPerCycleMax - REQUESTS_BESIDE_PARTS) / this.#queriesPerPart());
    return planParts({ ...share, versions: this.#expected(share) }, cut, {
      partVersionsMax,
      partsMax: Math.max(1, Math.min(partsMax, affordable)),
    });
  }

  /**
   * How many versions answers about a share will hold. While a fleet is being found the caller knows of few, and the
   * store answers with all: as one part that was 10 MB an answer at 100,000.
   */
  #expected({ buckets, versions, bucketCount }: Share): number {
    const seen = this.#fleetSeen === undefined ? undefined : (this.#fleetSeen * buckets.length) / bucketCount;
    if (seen === undefined) return versions === 0 ? Number.POSITIVE_INFINITY : versions;
    return seen > 2 * versions ? seen : versions;
  }

  async read(part: Part, { profiles: wanted, signal }: Parameters<SignalReader['read']>[1]): Promise<ProfileReading[]> {
    const { profiles } = this.#options;
    await this.#presence.refresh(signal);
    signal?.throwIfAborted();
    const index = this.#indexOf(part);
    const asked = { part, atSeconds: this.#runner.settledSeconds(), signal };
    const reading = new PartReading({ runner: this.#runner, presence: this.#presence, index }, asked);
    const readings = await Promise.all(
      profiles.map((profile) => reading.profile(profile, { isLoadWanted: wanted?.has(profile.name) ?? true })),
    );
    if (index.isWorn(reading.rowsMax)) this.#indexes.delete(part.name);
    if (reading.rowsMax > 0) this.#fleetSeen = reading.rowsMax / shareOf(part);
    this.#lookAtIds(readings.flatMap(({ instances, invocation }) => [instances, invocation]));
    return readings;
  }

  async backfill(
    part: Part,
    { lookBackMs, stepMs, idleMs, gapMs, signal }: Parameters<SignalReader['backfill']>[1],
  ): Promise<Backfill[]> {
    await this.#presence.refresh(signal);
    const endSeconds = this.#runner.settledSeconds();
    const stepSeconds = Math.max(1, Math.round(stepMs / 1000));
    const past = new PastReading(
      { runner: this.#runner, presence: this.#presence },
      {
        part,
        startSeconds: endSeconds - Math.floor(lookBackMs / 1000 / stepSeconds) * stepSeconds,
        endSeconds,
        stepSeconds,
        idleSeconds: idleMs / 1000,
        gapSeconds: gapMs / 1000,
        signal,
      },
    );
    const backfills = await Promise.all(this.#options.profiles.map((profile) => past.profile(profile)));
    if (this.#areCallsCounted()) return backfills;
    // Where nobody counts calls, that nobody was seen calling proves nothing.
    return backfills.map((backfill) => ({ ...backfill, invoked: undefined, invokedInGap: undefined }));
  }

  async discover(part: Part, { signal }: { signal?: AbortSignal | undefined }): Promise<Discovered> {
    await this.#presence.refresh(signal);
    return this.#discovery.discover(part, signal);
  }

  async probe({ signal }: { signal?: AbortSignal | undefined }): Promise<{ skewMs: number; flavour: Flavour }> {
    const { client, clock } = this.#options;
    const skewMs = await probeSkew(client, clock, signal);
    this.#flavour ??= await probeFlavour(client, signal);
    // So that the first plan knows which profiles are alive.
    await this.#presence.refresh(signal);
    return { skewMs, flavour: this.#flavour };
  }

  #indexOf(part: Part): VersionIndex {
    const nowMs = this.#options.clock.monotonicMs();
    // A fleet that grew is cut into other parts.
    for (const [name, { usedMs }] of this.#indexes) if (nowMs - usedMs > INDEX_KEPT_MS) this.#indexes.delete(name);
    const held = this.#indexes.get(part.name) ?? { index: new VersionIndex(), usedMs: nowMs };
    held.usedMs = nowMs;
    this.#indexes.set(part.name, held);
    return held.index;
  }

  /** Distinct queries that a part costs now. */
  #queriesPerPart(): number {
    const texts = new Set<string>();
    for (const profile of this.#options.profiles) {
      for (const name of SIGNALS.flatMap((signal) => queriesOf(profile.signals[signal]))) {
        const owned = ownedQuery(profile, name);
        if (owned && this.#presence.isWorthAsking(owned)) texts.add(owned.query.promql);
      }
    }
    return Math.max(1, texts.size);
  }

  #areCallsCounted(): boolean {
    return this.#options.profiles.some((profile) => {
      const owned = ownedQuery(profile, profile.recentCalls);
      return owned !== undefined && this.#presence.isKnownPresent(owned);
    });
  }

  #lookAtIds(columns: readonly (ProfileReading['instances'] | undefined)[]): void {
    const ids = columns.find((column) => column && column.versionIds.length > 0)?.versionIds ?? [];
    if (ids.length === 0) return;
    // A few dozen tell as much as all of them.
    const sample = ids.slice(0, 64);
    this.#areIdsHex = sample.filter((id) => BEGINS_LIKE_UUID.test(id)).length * 2 > sample.length;
  }
}

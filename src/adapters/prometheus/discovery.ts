import { BUCKET_COUNT, type Bucket } from '../../domain/bucket.ts';
import type { Part } from '../../domain/part.ts';
import type { Clock } from '../../lib/clock.ts';
import { type Discovered, type ReadState, TimeseriesError } from '../../ports/signal-reader.ts';
import { CallCounters } from './call-counters.ts';
import type { Presence } from './presence.ts';
import { type RawSeries, type SeriesList, sampleValue } from './query-result.ts';
import type { QueryRunner } from './query-runner.ts';
import { worstState } from './signal-columns.ts';
import { type Owned, ownedQuery, type SignalProfile } from './signal-profile.ts';

export interface DiscoveryOptions {
  readonly profiles: readonly SignalProfile[];
  readonly runner: QueryRunner;
  readonly presence: Presence;
  readonly clock: Clock;
  readonly bucketLabel: string | undefined;
}

/** With no earlier count to compare with, versions called within this span are found. */
const FIRST_LOOK_SECONDS = 300;

type Version = Discovered['versions'][number];

interface Found {
  functionId: string;
  account: string;
  bucket: Bucket | undefined;
  profiles: readonly string[];
}

interface Slice {
  readonly state: ReadState;
  readonly series: SeriesList;
  readonly detail: string;
}

/** Finds function versions that have instances, or whose call counters have moved since the last look. */
export class Discovery {
  readonly #options: DiscoveryOptions;
  readonly #counters: CallCounters;
  readonly #lists = new Map<string, readonly string[]>();

  constructor(options: DiscoveryOptions) {
    this.#options = options;
    this.#counters = new CallCounters(options.clock);
  }

  async discover(part: Part, signal: AbortSignal | undefined): Promise<Discovered> {
    const { profiles, runner } = this.#options;
    const atSeconds = runner.settledSeconds();
    const found = new Map<string, Found>();
    const states: ReadState[] = [];
    const details = new Set<string>();
    const note = ({ state, detail }: { state: ReadState; detail: string }) => {
      states.push(state);
      if (detail) details.add(detail);
    };
    const asked = new Map<string, Promise<Slice>>();
    const ask = (owned: Owned) => {
      const key = runner.text(owned, { part });
      const slice = asked.get(key) ?? this.#ask(owned, { part, atSeconds, signal });
      asked.set(key, slice);
      return slice;
    };
    const look = async (profile: SignalProfile) => {
      const instances = ownedQuery(profile, profile.discovery.instances);
      if (instances) {
        const slice = await ask(instances);
        note(slice);
        for (const { metric } of slice.series) this.#add(found, profile, metric, { hasInstances: true });
      }
      const calls = ownedQuery(profile, profile.discovery.calls);
      if (calls && !asked.has(runner.text(calls, { part }))) {
        const slice = await ask(calls);
        note(slice);
        const called = await this.#called(calls, slice.series, { part, atSeconds, signal });
        note(called);
        for (const metric of called.metrics) this.#add(found, profile, metric, { hasInstances: false });
      }
    };
    for (const profile of profiles) {
      try {
        await look(profile);
      } catch (error) {
        // Series are read while they are walked over.
        if (!(error instanceof TimeseriesError)) throw error;
        note({ state: 'failed', detail: error.message });
      }
    }
    const { versions, left } = this.#usable(found);
    for (const text of left) details.add(text);
    const state = worstState(states);
    return { part, state, versions: state === 'failed' ? [] : versions, detail: [...details].join('; ') };
  }

  async #ask(
    owned: Owned,
    asked: { part: Part; atSeconds: number; idleSeconds?: number; signal: AbortSignal | undefined },
  ): Promise<Slice> {
    const { runner, presence } = this.#options;
    if (!presence.isWorthAsking(owned)) return { state: 'read', series: [], detail: '' };
    try {
      const { series, partial } = await runner.at(owned, asked);
      if (series.length > 0) presence.saw(owned);
      return { state: partial ? 'partial' : 'read', series, detail: partial };
    } catch (error) {
      if (!(error instanceof TimeseriesError)) throw error;
      return { state: 'failed', series: [], detail: error.message };
    }
  }

  /** A counter that is new or has moved since the last look is a call. At the first look of a part the store is asked who was called. */
  async #called(
    owned: Owned,
    series: SeriesList,
    asked: { part: Part; atSeconds: number; signal: AbortSignal | undefined },
  ) {
    const { profile, query } = owned;
    const key = `${query.promql} ${asked.part.name}`;
    const isFirstLook = !this.#counters.isWatching(key);
    const moved: RawSeries['metric'][] = [];
    for (const { metric, samples } of series) {
      const versionId = metric[profile.identity.versionId];
      const value = sampleValue(samples.at(-1)?.[1]);
      if (!versionId || value === undefined || Number.isNaN(value)) continue;
      if (this.#counters.hasMoved(key, versionId, value)) moved.push(metric);
    }
    const recent = isFirstLook ? ownedQuery(profile, profile.recentCalls) : undefined;
    if (!recent) return { metrics: moved, state: 'read' as const, detail: '' };
    const called = await this.#ask(recent, { ...asked, idleSeconds: FIRST_LOOK_SECONDS });
    if (called.state === 'failed') this.#counters.forget(key);
    const { versionId } = profile.identity;
    const ids = new Set(Array.from(called.series, ({ metric }) => metric[versionId]));
    const metrics = Array.from(series, ({ metric }) => metric).filter((metric) => ids.has(metric[versionId]));
    return { ...called, metrics };
  }

  #add(
    found: Map<string, Found>,
    profile: SignalProfile,
    metric: RawSeries['metric'],
    { hasInstances }: { hasInstances: boolean },
  ): void {
    const { versionId, functionId, account } = profile.identity;
    const id = metric[versionId];
    if (!id) return;
    const entry = found.get(id) ?? { functionId: '', account: '', bucket: undefined, profiles: NO_PROFILES };
    found.set(id, entry);
    entry.functionId ||= metric[functionId] ?? '';
    entry.account ||= metric[account] ?? '';
    entry.bucket ??= this.#bucketOf(metric);
    if (hasInstances && !entry.profiles.includes(profile.name)) {
      entry.profiles = this.#listOf([...entry.profiles, profile.name]);
    }
  }

  /** A fleet has few different lists of profiles; each is held once. */
  #listOf(profiles: readonly string[]): readonly string[] {
    const key = profiles.join();
    const list = this.#lists.get(key) ?? profiles;
    this.#lists.set(key, list);
    return list;
  }

  #bucketOf(metric: RawSeries['metric']): Bucket | undefined {
    const { bucketLabel } = this.#options;
    const text = bucketLabel === undefined ? undefined : metric[bucketLabel];
    if (text === undefined || !/^\d{1,6}$/.test(text)) return undefined;
    const bucket = Number(text);
    return bucket < BUCKET_COUNT ? bucket : undefined;
  }

  #usable(found: ReadonlyMap<string, Found>): { versions: Version[]; left: string[] } {
    const { bucketLabel } = this.#options;
    const versions: Version[] = [];
    let withoutFunction = 0;
    let withoutBucket = 0;
    for (const [versionId, { functionId, account, bucket, profiles }] of found) {
      if (functionId === '') withoutFunction += 1;
      // Where the metrics decide the bucket, a version without one could be read by nobody.
      else if (bucketLabel !== undefined && bucket === undefined) withoutBucket += 1;
      else versions.push({ versionId, functionId, account, bucket, profiles });
    }
    const left: string[] = [];
    if (withoutFunction > 0) left.push(`${withoutFunction} versions have no function id in their labels`);
    if (withoutBucket > 0) {
      left.push(
        `${withoutBucket} versions have no ${bucketLabel} from 0 to ${BUCKET_COUNT - 1}: does every scrape add it with modulus ${BUCKET_COUNT}?`,
      );
    }
    return { versions, left };
  }
}

const NO_PROFILES: readonly string[] = [];

import { standingOf } from '../../domain/function-state.ts';
import {
  ABSENT_GAUGE,
  ABSENT_WINDOW,
  type Gauge,
  type InvocationRecord,
  type Quality,
  type Sample,
  type Signals,
  type Window,
} from '../../domain/signal.ts';
import { grown, RowNumbers } from '../../lib/row-numbers.ts';
import type { Backfill, Column, ProfileReading } from '../../ports/signal-reader.ts';
import { History } from '../../scaling/history.ts';
import type { Tracked } from './tracked.ts';

const LOAD_SIGNALS = ['utilisation', 'demand', 'instances'] as const;
type LoadSignal = (typeof LOAD_SIGNALS)[number];
const ABSENT_LOAD = {
  profile: undefined,
  utilisation: ABSENT_WINDOW,
  demand: ABSENT_WINDOW,
  instances: ABSENT_GAUGE,
} as const;

/** A column, turned so that one version's value is found at once. */
interface Lookup {
  readonly column: Column;
  readonly values: ReadonlyMap<string, number>;
  readonly rejected: ReadonlySet<string>;
}

interface ProfileView {
  readonly profile: string;
  readonly atMs: number;
  readonly load: Readonly<Record<LoadSignal, Lookup | undefined>>;
  readonly invocation: Lookup | undefined;
}

/** Named as in the configuration, where each is explained. */
export interface ObserverSettings {
  readonly scaling: { readonly stepMs: number; readonly lookBackMs: number };
  readonly timeseries: { readonly profilePatienceMs: number };
}

/** Turns the readings of one part into what deciding wants to know about each version, and remembers what has to last. */
export class Observer {
  readonly #utilisation: History;
  readonly #demand: History;
  readonly #profilePatienceMs: number;
  readonly #rows = new RowNumbers();
  /** The request counters as last read, by profile and row; NaN where none was. */
  readonly #counters = new Map<string, Float64Array>();

  constructor({ scaling, timeseries }: ObserverSettings) {
    this.#utilisation = new History(scaling);
    this.#demand = new History(scaling);
    this.#profilePatienceMs = timeseries.profilePatienceMs;
  }

  /** Call once per part; the answer gives the signals of each version in it. */
  take(readings: readonly ProfileReading[]): (tracked: Tracked, nowMs: number) => Signals {
    const views = readings.map(viewOf);
    return (tracked, nowMs) => this.#signalsOf(tracked, views, nowMs);
  }

  /** Learn samples, for versions that this replica has not watched long enough. */
  prefill(tracked: Tracked, backfills: readonly Backfill[], span: { nowMs: number; idleMs: number }): void {
    const { versionId } = tracked.version;
    const chosen = backfills.find((backfill) => backfill.profile === tracked.profile);
    const row = this.#rows.take(versionId);
    for (const [atMs, value] of chosen?.utilisation.get(versionId) ?? []) this.#utilisation.add(row, atMs, value);
    for (const [atMs, value] of chosen?.demand.get(versionId) ?? []) this.#demand.add(row, atMs, value);
    // Idleness is proven only when every profile could say who was called.
    if (backfills.length === 0 || backfills.some((backfill) => backfill.state !== 'read' || !backfill.invoked)) return;
    tracked.watchedSinceMs = Math.min(tracked.watchedSinceMs ?? span.nowMs, span.nowMs - span.idleMs);
    // An owner before has put it to sleep after that call; waking it takes a call that no owner can have seen.
    const isAsleep = tracked.state !== undefined && standingOf(tracked.state) === 0;
    const isCalled = backfills.some(({ invoked, invokedInGap }) => (isAsleep ? invokedInGap : invoked)?.has(versionId));
    // When in the span it was called is not known: taking "now" only delays zero.
    if (isCalled) tracked.lastInvokedMs ??= span.nowMs;
  }

  /** For people: what the last decision could see. */
  samplesOf(versionId: string, nowMs: number): { utilisation: readonly Sample[]; demand: readonly Sample[] } {
    const row = this.#rows.of(versionId);
    if (row === undefined) return { utilisation: [], demand: [] };
    return { utilisation: this.#utilisation.samples(row, nowMs), demand: this.#demand.samples(row, nowMs) };
  }

  latestUtilisation(versionId: string): number | undefined {
    const row = this.#rows.of(versionId);
    return row === undefined ? undefined : this.#utilisation.latest(row);
  }

  latestDemand(versionId: string): number | undefined {
    const row = this.#rows.of(versionId);
    return row === undefined ? undefined : this.#demand.latest(row);
  }

  forget(versionId: string): void {
    const row = this.#rows.of(versionId);
    if (row === undefined) return;
    this.#forgetLoad(row);
    for (const counters of this.#counters.values()) if (row < counters.length) counters[row] = Number.NaN;
    this.#rows.release(versionId);
  }

  /** Samples of another profile mean something else: they are not carried over. */
  #forgetLoad(row: number): void {
    this.#utilisation.forget(row);
    this.#demand.forget(row);
  }

  #signalsOf(tracked: Tracked, views: readonly ProfileView[], nowMs: number): Signals {
    const row = this.#rows.take(tracked.version.versionId);
    const view = this.#chooseProfile(tracked, row, { views, nowMs });
    const invocation = this.#recordInvocation(tracked, row, { views, nowMs });
    if (!view) return { ...ABSENT_LOAD, invocation };
    const { versionId } = tracked.version;
    const { profile, load, atMs } = view;
    return {
      profile,
      utilisation: windowOf(load.utilisation, this.#utilisation, { versionId, row, atMs }),
      demand: windowOf(load.demand, this.#demand, { versionId, row, atMs }),
      instances: gaugeOf(load.instances, versionId, atMs),
      invocation,
    };
  }

  /**
   * A counter that is new or has changed since the last look is a call; its value means nothing. The first look after
   * taking a version over proves nothing either way: the back-fill shows what was before.
   */
  #recordInvocation(
    tracked: Tracked,
    row: number,
    { views, nowMs }: { views: readonly ProfileView[]; nowMs: number },
  ): InvocationRecord {
    const { versionId } = tracked.version;
    let quality: Quality = 'absent';
    for (const { profile, invocation } of views) {
      if (!invocation) continue;
      quality = worse(quality, invocationQuality(invocation));
      const counter = invocation.values.get(versionId);
      if (counter === undefined) continue;
      const counters = this.#countersOf(profile, row);
      const before = counters[row] ?? Number.NaN;
      if (before !== counter && (!Number.isNaN(before) || tracked.isCounterWatched)) tracked.lastInvokedMs = nowMs;
      counters[row] = counter;
    }
    if (quality === 'fresh') {
      tracked.isCounterWatched = true;
      tracked.watchedSinceMs ??= nowMs;
    }
    return { quality, lastMs: tracked.lastInvokedMs, watchedSinceMs: tracked.watchedSinceMs };
  }

  #countersOf(profile: string, row: number): Float64Array {
    const held = this.#counters.get(profile);
    if (held && row < held.length) return held;
    const counters = grown(held ?? new Float64Array(), row, Number.NaN);
    this.#counters.set(profile, counters);
    return counters;
  }

  /**
   * The first profile that shows the version. A version that has just vanished from its profile stays with it for a
   * while: falling through at once would turn a failed scrape into a change of meaning.
   */
  #chooseProfile(
    tracked: Tracked,
    row: number,
    { views, nowMs }: { views: readonly ProfileView[]; nowMs: number },
  ): ProfileView | undefined {
    const { versionId } = tracked.version;
    const remembered = views.find((view) => view.profile === tracked.profile);
    const best = views.find((view) => LOAD_SIGNALS.some((signal) => view.load[signal]?.values.has(versionId)));
    if (best && best === remembered) {
      tracked.profileMissingSinceMs = undefined;
      return best;
    }
    if (remembered && !LOAD_SIGNALS.some((signal) => remembered.load[signal]?.values.has(versionId))) {
      tracked.profileMissingSinceMs ??= nowMs;
      if (nowMs - tracked.profileMissingSinceMs < this.#profilePatienceMs) return remembered;
    }
    if (best) {
      if (tracked.profile !== undefined) this.#forgetLoad(row);
      tracked.profile = best.profile;
      tracked.profileMissingSinceMs = undefined;
      return best;
    }
    return remembered ?? views.find((view) => tracked.version.profiles.includes(view.profile));
  }
}

function viewOf(reading: ProfileReading): ProfileView {
  return {
    profile: reading.profile,
    atMs: reading.atMs,
    load: {
      utilisation: lookupOf(reading.utilisation),
      demand: lookupOf(reading.demand),
      instances: lookupOf(reading.instances),
    },
    invocation: lookupOf(reading.invocation),
  };
}

function lookupOf(column: Column | undefined): Lookup | undefined {
  if (!column) return undefined;
  const values = new Map<string, number>();
  for (const [index, versionId] of column.versionIds.entries())
    values.set(versionId, column.values[index] ?? Number.NaN);
  return { column, values, rejected: new Set(column.rejected.map((rejection) => rejection.versionId)) };
}

function qualityOf(lookup: Lookup | undefined, versionId: string): Quality {
  if (!lookup) return 'absent';
  if (lookup.column.state === 'failed') return 'stale';
  if (lookup.rejected.has(versionId)) return 'invalid';
  if (lookup.values.has(versionId)) return lookup.column.state === 'partial' ? 'partial' : 'fresh';
  // What a partial answer leaves out is not known to be absent.
  return lookup.column.state === 'partial' ? 'stale' : 'absent';
}

function windowOf(
  lookup: Lookup | undefined,
  history: History,
  { versionId, row, atMs }: { versionId: string; row: number; atMs: number },
): Window {
  const quality = qualityOf(lookup, versionId);
  const value = lookup?.values.get(versionId);
  if (value !== undefined) history.push(row, atMs, value);
  return { quality, samples: history.samples(row, atMs) };
}

function gaugeOf(lookup: Lookup | undefined, versionId: string, atMs: number): Gauge {
  const quality = qualityOf(lookup, versionId);
  const value = lookup?.values.get(versionId);
  return value === undefined ? { ...ABSENT_GAUGE, quality } : { quality, value, atMs };
}

/** Of the whole column: whether its silence about a version may be believed. */
function invocationQuality({ column }: Lookup): Quality {
  if (column.state === 'failed') return 'stale';
  if (column.state === 'partial') return 'partial';
  return column.isPresent ? 'fresh' : 'absent';
}

/** Several profiles may count calls: one that failed spoils the proof, one that does not exist does not. */
function worse(a: Quality, b: Quality): Quality {
  if (a === 'absent') return b;
  if (b === 'absent') return a;
  return a === 'fresh' ? b : a;
}

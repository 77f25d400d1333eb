import type { Part } from '../../domain/part.ts';
import { type Backfill, type PastSamples, TimeseriesError } from '../../ports/signal-reader.ts';
import { weightLabelsOf } from './part-reading.ts';
import type { Presence } from './presence.ts';
import type { QueryResult } from './query-result.ts';
import type { QueryRunner } from './query-runner.ts';
import { type QueryTable, tablesInTime } from './query-table.ts';
import { pastValues, worstState } from './signal-columns.ts';
import { ownedQuery, queriesOf, type SignalProfile } from './signal-profile.ts';
import { VersionIndex } from './version-index.ts';

const PAST_SIGNALS = ['utilisation', 'demand'] as const;

export interface PastSpan {
  readonly part: Part;
  readonly startSeconds: number;
  readonly endSeconds: number;
  readonly stepSeconds: number;
  readonly idleSeconds: number;
  readonly gapSeconds: number;
  readonly signal: AbortSignal | undefined;
}

/** Past values of one signal, a column for each moment: an array for each sample was most of the memory of a start. */
class PastColumns implements PastSamples {
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

/** Reads what was before this replica looked: range queries on the history grid, and who was called lately. */
export class PastReading {
  readonly #runner: QueryRunner;
  readonly #presence: Presence;
  readonly #span: PastSpan;
  readonly #calls = new Map<string, Promise<QueryResult>>();

  constructor(options: { runner: QueryRunner; presence: Presence }, span: PastSpan) {
    this.#runner = options.runner;
    this.#presence = options.presence;
    this.#span = span;
  }

  async profile(profile: SignalProfile): Promise<Backfill> {
    const { idleSeconds, gapSeconds } = this.#span;
    const [load, calls, callsInGap] = await Promise.all([
      this.#load(profile),
      this.#invoked(profile, idleSeconds),
      this.#invoked(profile, gapSeconds),
    ]);
    return {
      profile: profile.name,
      state: worstState([load.state, calls.state, callsInGap.state]),
      utilisation: load.past.utilisation,
      demand: load.past.demand,
      invoked: calls.invoked,
      invokedInGap: callsInGap.invoked,
      detail: [...new Set([load.detail, calls.detail, callsInGap.detail])].filter(Boolean).join('; '),
    };
  }

  async #load(profile: SignalProfile) {
    const index = new VersionIndex();
    const past = { utilisation: new PastColumns(index), demand: new PastColumns(index) };
    const names = [...new Set(PAST_SIGNALS.flatMap((signal) => queriesOf(profile.signals[signal])))];
    const owned = names
      .flatMap((name) => ownedQuery(profile, name) ?? [])
      .filter((one) => this.#presence.isWorthAsking(one));
    if (owned.length < names.length) return { past, state: 'read' as const, detail: '' };
    try {
      const answers = await Promise.all(owned.map((one) => this.#runner.range(one, this.#span)));
      const partial = [...new Set(answers.map((answer) => answer.partial).filter(Boolean))].join('; ');
      const moments = new Map<number, Map<string, QueryTable>>();
      for (const [at, { query }] of owned.entries()) {
        const weightLabels = weightLabelsOf(profile, query.name);
        const options = { index, versionLabel: profile.identity.versionId, weightLabels };
        for (const [atSeconds, rows] of tablesInTime(answers[at]?.series ?? [], options)) {
          const tables = moments.get(atSeconds) ?? new Map<string, QueryTable>();
          moments.set(atSeconds, tables.set(query.name, { ...rows, state: 'read', isPresent: undefined, detail: '' }));
        }
      }
      for (const [atSeconds, tables] of [...moments].sort(([a], [b]) => a - b)) {
        for (const signal of PAST_SIGNALS) {
          const definition = profile.signals[signal];
          if (definition !== undefined) past[signal].add(atSeconds * 1000, pastValues(definition, { tables, index }));
        }
      }
      return { past, state: partial ? ('partial' as const) : ('read' as const), detail: partial };
    } catch (error) {
      if (!(error instanceof TimeseriesError)) throw error;
      return { past, state: 'failed' as const, detail: error.message };
    }
  }

  /** Who was called within these last seconds. */
  async #invoked(profile: SignalProfile, idleSeconds: number) {
    const owned = ownedQuery(profile, profile.recentCalls);
    if (!owned) {
      // A profile that counts no calls has none to tell; one that counts them but cannot look back leaves it open.
      const invoked = profile.signals.invocation === undefined ? new Set<string>() : undefined;
      return { invoked, state: 'read' as const, detail: '' };
    }
    if (!this.#presence.isWorthAsking(owned)) return { invoked: new Set<string>(), state: 'read' as const, detail: '' };
    const { part, endSeconds, signal } = this.#span;
    try {
      const key = this.#runner.text(owned, { part, idleSeconds });
      const asking =
        this.#calls.get(key) ?? this.#runner.at(owned, { part, atSeconds: endSeconds, idleSeconds, signal });
      this.#calls.set(key, asking);
      const { series, partial } = await asking;
      const invoked = new Set(Array.from(series, ({ metric }) => metric[profile.identity.versionId] ?? ''));
      invoked.delete('');
      return { invoked, state: partial ? ('partial' as const) : ('read' as const), detail: partial };
    } catch (error) {
      if (!(error instanceof TimeseriesError)) throw error;
      return { invoked: undefined, state: 'failed' as const, detail: error.message };
    }
  }
}

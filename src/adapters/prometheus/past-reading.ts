import type { Part } from '../../domain/part.ts';
import { type Backfill, TimeseriesError } from '../../ports/signal-reader.ts';
import type { Answer, RawSeries } from './answer.ts';
import { weightLabelsOf } from './part-reading.ts';
import type { Owned, Presence } from './presence.ts';
import type { QueryRunner } from './query-runner.ts';
import { type QueryTable, tableRows } from './query-table.ts';
import { signalColumn, worstState } from './signal-columns.ts';
import { queriesOf, type SignalProfile } from './signal-profile.ts';
import { VersionIndex } from './version-index.ts';

type Past = Map<string, [atMs: number, value: number][]>;
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

/** Reads what was before this replica looked: range queries on the history grid, and who was called lately. */
export class PastReading {
  readonly #runner: QueryRunner;
  readonly #presence: Presence;
  readonly #span: PastSpan;
  readonly #calls = new Map<string, Promise<Answer>>();

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
    const past: Record<(typeof PAST_SIGNALS)[number], Past> = { utilisation: new Map(), demand: new Map() };
    const names = [...new Set(PAST_SIGNALS.flatMap((signal) => queriesOf(profile.signals[signal])))];
    const owned = names
      .flatMap((name) => ownedQuery(profile, name) ?? [])
      .filter((one) => this.#presence.isWorthAsking(one));
    if (owned.length < names.length) return { past, state: 'read' as const, detail: '' };
    try {
      const answers = await Promise.all(owned.map((one) => this.#runner.range(one, this.#span)));
      const partial = [...new Set(answers.map((answer) => answer.partial).filter(Boolean))].join('; ');
      const index = new VersionIndex();
      const byQuery = new Map(owned.map(({ query }, index) => [query.name, [...(answers[index]?.series ?? [])]]));
      for (const [atSeconds, tables] of slicesInTime(profile, byQuery, index)) {
        for (const signal of PAST_SIGNALS) {
          const definition = profile.signals[signal];
          if (definition !== undefined)
            addMoment(past[signal], atSeconds * 1000, signalColumn(definition, 'load', { tables, index }));
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
    const owned = profile.recentCalls === undefined ? undefined : ownedQuery(profile, profile.recentCalls);
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
      const ids = Array.from(series, ({ metric }) => metric[profile.identity.versionId] ?? '').filter(
        (id) => id !== '',
      );
      return {
        invoked: new Set(ids),
        state: partial ? ('partial' as const) : ('read' as const),
        detail: partial,
      };
    } catch (error) {
      if (!(error instanceof TimeseriesError)) throw error;
      return { invoked: undefined, state: 'failed' as const, detail: error.message };
    }
  }
}

/** Cuts matrices into one set of tables per moment, so that the past is made of queries just as the present is. */
function* slicesInTime(
  profile: SignalProfile,
  byQuery: ReadonlyMap<string, readonly RawSeries[]>,
  index: VersionIndex,
): Generator<[atSeconds: number, tables: Map<string, QueryTable>]> {
  const times = new Set<number>();
  for (const series of byQuery.values()) {
    for (const { samples } of series) for (const [atSeconds] of samples) times.add(atSeconds);
  }
  const cursors = new Map([...byQuery].map(([query, series]) => [query, new Uint32Array(series.length)]));
  for (const atSeconds of [...times].sort((a, b) => a - b)) {
    const tables = new Map<string, QueryTable>();
    for (const [query, series] of byQuery) {
      const cursor = cursors.get(query) ?? new Uint32Array(0);
      const rows = tableRows(series, {
        index,
        versionLabel: profile.identity.versionId,
        weightLabels: weightLabelsOf(profile, query),
        valueAt: (at) => {
          const sample = series[at]?.samples[cursor[at] ?? 0];
          if (sample?.[0] !== atSeconds) return undefined;
          cursor[at] = (cursor[at] ?? 0) + 1;
          return sample[1];
        },
      });
      tables.set(query, { ...rows, state: 'read', isPresent: undefined, detail: '' });
    }
    yield [atSeconds, tables];
  }
}

function addMoment(past: Past, atMs: number, column: { versionIds: readonly string[]; values: Float64Array }): void {
  for (const [index, versionId] of column.versionIds.entries()) {
    const samples = past.get(versionId) ?? [];
    past.set(versionId, samples);
    samples.push([atMs, column.values[index] ?? Number.NaN]);
  }
}

function ownedQuery(profile: SignalProfile, name: string): Owned | undefined {
  const query = profile.queries.get(name);
  return query && { profile, query };
}

import type { Part } from '../../domain/part.ts';
import { type Column, type ProfileReading, TimeseriesError } from '../../ports/signal-reader.ts';
import type { Presence } from './presence.ts';
import type { QueryRunner } from './query-runner.ts';
import { NO_ROWS, type QueryTable, tableRows } from './query-table.ts';
import { signalColumn } from './signal-columns.ts';
import { type Owned, ownedQuery, queriesOf, SIGNALS, type SignalProfile, termsOf } from './signal-profile.ts';
import type { VersionIndex } from './version-index.ts';

type Signal = (typeof SIGNALS)[number];

/** One read of one part: the queries of all profiles at one moment, each distinct text sent once. */
export class PartReading {
  readonly #options: { readonly runner: QueryRunner; readonly presence: Presence; readonly index: VersionIndex };
  readonly #asked: { readonly part: Part; readonly atSeconds: number; readonly signal: AbortSignal | undefined };
  readonly #tables = new Map<string, Promise<QueryTable>>();
  #rowsMax = 0;

  constructor(
    options: { runner: QueryRunner; presence: Presence; index: VersionIndex },
    asked: { part: Part; atSeconds: number; signal: AbortSignal | undefined },
  ) {
    this.#options = options;
    this.#asked = asked;
  }

  /** Rows of the longest answer so far. */
  get rowsMax(): number {
    return this.#rowsMax;
  }

  /** `isLoadWanted` false: only calls are read. */
  async profile(profile: SignalProfile, { isLoadWanted }: { isLoadWanted: boolean }): Promise<ProfileReading> {
    const wanted = isLoadWanted ? SIGNALS : (['invocation'] as const);
    const names = [...new Set(wanted.flatMap((signal) => queriesOf(profile.signals[signal])))];
    const tables = new Map<string, QueryTable>();
    await Promise.all(names.map(async (name) => tables.set(name, await this.#tableOf(profile, name))));
    const { index } = this.#options;
    const column = (signal: Signal): Column | undefined => {
      const definition = (wanted as readonly Signal[]).includes(signal) ? profile.signals[signal] : undefined;
      if (definition === undefined) return undefined;
      return signalColumn(definition, signal === 'instances' ? 'count' : 'load', { tables, index });
    };
    return {
      profile: profile.name,
      atMs: this.#asked.atSeconds * 1000,
      utilisation: column('utilisation'),
      demand: column('demand'),
      instances: column('instances'),
      invocation: column('invocation'),
    };
  }

  /** Profiles may count calls with the very same query. */
  #tableOf(profile: SignalProfile, name: string): Promise<QueryTable> {
    const owned = ownedQuery(profile, name);
    if (!owned) throw new Error(`the profile ${profile.name} has no query ${name}`); // parseProfile has checked it
    const weightLabels = weightLabelsOf(profile, name);
    const text = this.#options.runner.text(owned, this.#asked);
    const key = JSON.stringify([text, profile.identity.versionId, weightLabels]);
    const table = this.#tables.get(key) ?? this.#ask(owned, weightLabels);
    this.#tables.set(key, table);
    return table;
  }

  async #ask(owned: Owned, weightLabels: readonly string[]): Promise<QueryTable> {
    const { runner, presence, index } = this.#options;
    const { signal } = this.#asked;
    if (!presence.isWorthAsking(owned)) {
      const isPresent = await presence.isPresent(owned, signal);
      return { ...NO_ROWS, state: 'read', isPresent, detail: `no ${owned.query.metrics.join(' or ')} in the store` };
    }
    try {
      const { series, partial } = await runner.at(owned, this.#asked);
      if (series.length > 0) presence.saw(owned);
      const rows = tableRows(series, { index, versionLabel: owned.profile.identity.versionId, weightLabels });
      this.#rowsMax = Math.max(this.#rowsMax, rows.slots.length);
      const isPresent = series.length > 0 || (await presence.isPresent(owned, signal));
      return { ...rows, state: partial ? 'partial' : 'read', isPresent, detail: partial };
    } catch (error) {
      if (!(error instanceof TimeseriesError)) throw error;
      return { ...NO_ROWS, state: 'failed', isPresent: undefined, detail: error.message };
    }
  }
}

/** The labels by which any signal of the profile weighs this query's series. */
export function weightLabelsOf(profile: SignalProfile, query: string): string[] {
  const terms = SIGNALS.flatMap((signal) => {
    const definition = profile.signals[signal];
    return definition === undefined ? [] : termsOf(definition);
  });
  const labels = terms.flatMap((term) => (typeof term !== 'string' && term.sum === query ? (term.times ?? []) : []));
  return [...new Set(labels)];
}

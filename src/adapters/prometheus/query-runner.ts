import type { Part } from '../../domain/part.ts';
import type { Clock } from '../../lib/clock.ts';
import { TimeseriesError } from '../../ports/signal-reader.ts';
import type { QueryResult } from './query-result.ts';
import { type QueryContext, queryText } from './query-text.ts';
import type { Owned } from './signal-profile.ts';
import type { StoreClient } from './store-client.ts';

export interface QueryRunnerOptions {
  readonly client: StoreClient;
  readonly clock: Clock;
  /** Queries ask for the moment this long ago, when samples have arrived. */
  readonly settleMs: number;
  readonly context: Omit<QueryContext, 'part' | 'idleSeconds'>;
}

interface Asked {
  readonly part: Part;
  readonly idleSeconds?: number | undefined;
  readonly signal: AbortSignal | undefined;
}

/** Sends the queries of profiles, and says of one that the store refuses where it stands. */
export class QueryRunner {
  readonly #options: QueryRunnerOptions;

  constructor(options: QueryRunnerOptions) {
    this.#options = options;
  }

  /** Whole seconds: VictoriaMetrics rounds the times of plain queries. */
  settledSeconds(): number {
    return Math.floor((this.#options.clock.wallMs() - this.#options.settleMs) / 1000);
  }

  text({ profile, query }: Owned, { part, idleSeconds = 0 }: Pick<Asked, 'part' | 'idleSeconds'>): string {
    return queryText(profile, query, { ...this.#options.context, part, idleSeconds });
  }

  async at(owned: Owned, asked: Asked & { atSeconds: number }): Promise<QueryResult> {
    const promql = this.text(owned, asked);
    return this.#explained(owned, () => this.instant({ name: nameOf(owned), promql, ...asked }));
  }

  async range(
    owned: Owned,
    asked: Asked & { startSeconds: number; endSeconds: number; stepSeconds: number },
  ): Promise<QueryResult> {
    const { startSeconds, endSeconds, stepSeconds, signal } = asked;
    const promql = this.text(owned, asked);
    const name = `${nameOf(owned)} past`;
    return this.#explained(owned, () =>
      this.#options.client.queryRange({ name, promql, startSeconds, endSeconds, stepSeconds, signal }),
    );
  }

  /** PromQL that is ours, not a profile's. */
  async instant(query: {
    name: string;
    promql: string;
    atSeconds: number;
    signal: AbortSignal | undefined;
  }): Promise<QueryResult> {
    return this.#options.client.queryAt(query);
  }

  async #explained(owned: Owned, send: () => Promise<QueryResult>): Promise<QueryResult> {
    try {
      return await send();
    } catch (error) {
      if (!(error instanceof TimeseriesError) || error.kind !== 'query') throw error;
      const { profile, query } = owned;
      const place = `${query.source}: query "${query.name}" of the profile ${profile.name}`;
      throw new TimeseriesError('query', `${place}: ${error.message}`, { cause: error, status: error.status });
    }
  }
}

function nameOf({ profile, query }: Owned): string {
  return `${profile.name} ${query.name}`;
}

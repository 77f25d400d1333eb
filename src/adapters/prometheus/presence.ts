import type { Clock } from '../../lib/clock.ts';
import { literalPattern, quoted } from './promql-text.ts';
import { environmentMatchers, freshSeconds, type QueryContext } from './query-text.ts';
import type { Owned } from './signal-profile.ts';

export interface PresenceOptions {
  readonly clock: Clock;
  /** Runs one query that lists metric names; rejects when the store does not answer. */
  readonly list: (promql: string, signal: AbortSignal | undefined) => Promise<ReadonlySet<string>>;
  readonly context: Pick<QueryContext, 'labels' | 'environmentLabels' | 'scrapeIntervalSeconds'>;
  /** How often metrics that did not exist are looked for again. */
  readonly recheckMs: number;
}

/** How long the answer "it exists" is believed without another look. */
const CACHE_MS = 10_000;
/** A metric that was there and is gone is asked for with every cycle for this long. */
const RETIRE_MS = 300_000;

/** Where the answer of the listing query carries the name of a metric. */
export const METRIC_LABEL = 'metric';

interface Seen {
  readonly isPresent: boolean;
  readonly checkedMs: number;
  /** When it was last there; undefined: never. */
  readonly presentMs: number | undefined;
}

/**
 * Knows which metrics exist for any version at all. It distinguishes "these functions are idle" from "the scrape is gone", and it
 * keeps queries over metrics that nobody exports from being sent: those are looked for once in `recheckMs`, all in one query.
 */
export class Presence {
  readonly #options: PresenceOptions;
  readonly #all: readonly Owned[];
  /** By metrics and environment label: the same metric is asked for in the same way by every profile that uses it. */
  readonly #seen = new Map<string, Seen>();
  readonly #running = new Map<string, Promise<void>>();
  #refreshing: Promise<void> | undefined;
  #failedMs = Number.NEGATIVE_INFINITY;

  constructor(all: readonly Owned[], options: PresenceOptions) {
    this.#all = all;
    this.#options = options;
  }

  /** An answer with series in it proves its metrics; of an alternation it proves one, which is as good. */
  saw(owned: Owned): void {
    this.#note(owned, true);
  }

  /** Whether sending the query can be of use. A metric that has just vanished is asked for until it is surely gone. */
  isWorthAsking(owned: Owned): boolean {
    const seen = this.#seen.get(keyOf(owned));
    if (!seen || seen.isPresent) return true;
    return seen.presentMs !== undefined && this.#options.clock.monotonicMs() - seen.presentMs < RETIRE_MS;
  }

  isKnownPresent(owned: Owned): boolean {
    return this.#seen.get(keyOf(owned))?.isPresent === true;
  }

  /** Looks at the store where what is known is too old; undefined when the store does not say. */
  async isPresent(owned: Owned, signal: AbortSignal | undefined): Promise<boolean | undefined> {
    if (!this.#isFresh(owned)) await this.#look(owned, signal);
    return this.#isFresh(owned) ? this.#seen.get(keyOf(owned))?.isPresent : undefined;
  }

  /** Looks for what is missing, when it is time; costs nothing while everything is there. */
  refresh(signal: AbortSignal | undefined): Promise<void> {
    const nowMs = this.#options.clock.monotonicMs();
    const due = this.#all.filter((owned) => {
      const seen = this.#seen.get(keyOf(owned));
      return !seen || (!seen.isPresent && nowMs - seen.checkedMs >= this.#options.recheckMs);
    });
    const isResting = nowMs - this.#failedMs < CACHE_MS;
    if (due.length === 0 || isResting) return this.#refreshing ?? Promise.resolve();
    this.#refreshing ??= this.#ask(due, signal).finally(() => {
      this.#refreshing = undefined;
    });
    return this.#refreshing;
  }

  /** A metric that is not worth asking for is as absent as it was at the last look, however old that is. */
  #isFresh(owned: Owned): boolean {
    const seen = this.#seen.get(keyOf(owned));
    if (!seen) return false;
    const maxAgeMs = seen.isPresent || this.isWorthAsking(owned) ? CACHE_MS : 2 * this.#options.recheckMs;
    return this.#options.clock.monotonicMs() - seen.checkedMs <= maxAgeMs;
  }

  #look(owned: Owned, signal: AbortSignal | undefined): Promise<void> {
    const key = keyOf(owned);
    const running = this.#running.get(key) ?? this.#ask([owned], signal).finally(() => this.#running.delete(key));
    this.#running.set(key, running);
    return running;
  }

  async #ask(asked: readonly Owned[], signal: AbortSignal | undefined): Promise<void> {
    try {
      const names = await this.#options.list(this.#promql(asked), signal);
      for (const owned of asked)
        this.#note(
          owned,
          owned.query.metrics.some((metric) => names.has(metric)),
        );
    } catch {
      // Nothing was learned; what was known grows old and stops being believed.
      this.#failedMs = this.#options.clock.monotonicMs();
    }
  }

  #note(owned: Owned, isPresent: boolean): void {
    const nowMs = this.#options.clock.monotonicMs();
    const presentMs = isPresent ? nowMs : this.#seen.get(keyOf(owned))?.presentMs;
    this.#seen.set(keyOf(owned), { isPresent, checkedMs: nowMs, presentMs });
  }

  /** One selector per set of matchers, so that one request answers for every profile. */
  #promql(asked: readonly Owned[]): string {
    const { context } = this.#options;
    const groups = new Map<string, { metrics: Set<string>; seconds: number; matchers: string[] }>();
    for (const { profile, query } of asked) {
      const matchers = environmentMatchers(query, context);
      const seconds = freshSeconds(profile, context);
      const key = `${seconds} ${matchers.join()}`;
      const group = groups.get(key) ?? { metrics: new Set(), seconds, matchers };
      groups.set(key, group);
      for (const metric of query.metrics) group.metrics.add(metric);
    }
    return [...groups.values()]
      .map(({ metrics, seconds, matchers }) => {
        const names = `__name__=~${quoted([...metrics].map(literalPattern).join('|'))}`;
        const present = `group by (__name__) (last_over_time({${[names, ...matchers].join(',')}}[${seconds}s]))`;
        // `or` does not look at metric names, so they are copied to a label that it does look at.
        return `label_replace(${present}, "${METRIC_LABEL}", "$1", "__name__", "(.+)")`;
      })
      .join(' or ');
  }
}

function keyOf({ query }: Owned): string {
  return `${query.metrics.join()} ${query.environmentLabel ?? ''}`;
}

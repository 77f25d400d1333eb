import type { Clock } from '../../lib/clock.ts';
import { Limiter } from '../../lib/limiter.ts';
import { parseDurationMs } from '../promql/duration.ts';
import { selectorMatchers } from '../promql/parse-query.ts';
import { runQuery, runRangeQuery } from '../promql/run-query.ts';
import { LABEL_NAME, labelValue } from '../storage/labels.ts';
import type { SampleStore } from '../storage/sample-store.ts';
import type { Series } from '../storage/series-index.ts';
import { ApiError, badParameter } from './api-error.ts';
import { instantJson, matrixJson, seriesJson } from './result-json.ts';

export interface MetricsApiOptions {
  readonly store: SampleStore;
  readonly clock: Clock;
  readonly queryTimeoutMs: number;
  readonly lookbackMs: number;
  readonly version: string;
}

/** Steps of a range query, as in Prometheus. */
const POINTS_MAX = 11_000;
const RFC3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:\d{2})$/;
/** Beyond this nothing can be told apart from infinity. */
const TIME_MAX_MS = 8.64e15;

/** What the query API answers: the text of the `data` of Prometheus' envelope, in pieces. Throws ApiError and QueryError. */
export class MetricsApi {
  readonly #options: MetricsApiOptions;
  /** Large queries side by side would each take their memory, and none would be done sooner. */
  readonly #turns = new Limiter(1);

  constructor(options: MetricsApiOptions) {
    this.#options = options;
  }

  /** Ends, too, when `signal` says that nobody waits for it. */
  async query(parameters: URLSearchParams, signal?: AbortSignal): Promise<Iterable<string>> {
    const { store, clock, lookbackMs } = this.#options;
    const atMs = timeParameter(parameters, 'time', clock.wallMs());
    const options = { store, atMs, lookbackMs, signal, ...this.#deadline(parameters) };
    const result = await this.#turns.run(() => runQuery(parameters.get('query') ?? '', options));
    return instantJson(result, atMs);
  }

  async queryRange(parameters: URLSearchParams, signal?: AbortSignal): Promise<Iterable<string>> {
    const { store, lookbackMs } = this.#options;
    const startMs = timeParameter(parameters, 'start');
    const endMs = timeParameter(parameters, 'end');
    if (endMs < startMs) throw badParameter('end', 'end timestamp must not be before start time');
    const stepMs = durationParameter(parameters, 'step');
    if (stepMs <= 0) {
      const why = 'zero or negative query resolution step widths are not accepted. Try a positive integer';
      throw badParameter('step', why);
    }
    if (stepMs < 1) throw badParameter('step', 'steps shorter than a millisecond are not supported');
    if ((endMs - startMs) / stepMs > POINTS_MAX) {
      const why = `exceeded maximum resolution of ${POINTS_MAX.toLocaleString('en')} points per timeseries. Try decreasing the query resolution (?step=XX)`;
      throw new ApiError('bad_data', why);
    }
    const span = { startMs, endMs, stepMs: Math.floor(stepMs) };
    const options = { store, ...span, lookbackMs, signal, ...this.#deadline(parameters) };
    return matrixJson(await this.#turns.run(() => runRangeQuery(parameters.get('query') ?? '', options)));
  }

  labelNames(parameters: URLSearchParams): Iterable<string> {
    const names = new Set<string>();
    for (const { labels } of this.#matched(parameters)) for (const name of labels.names) names.add(name);
    return [JSON.stringify([...names].sort())];
  }

  labelValues(name: string, parameters: URLSearchParams): Iterable<string> {
    if (!LABEL_NAME.test(name)) throw new ApiError('bad_data', `invalid label name: ${JSON.stringify(name)}`);
    const values = new Set<string>();
    for (const { labels } of this.#matched(parameters)) {
      const value = labelValue(labels, name);
      if (value !== '') values.add(value);
    }
    return [JSON.stringify([...values].sort())];
  }

  series(parameters: URLSearchParams): Iterable<string> {
    if (parameters.getAll('match[]').length === 0) throw new ApiError('bad_data', 'no match[] parameter provided');
    return seriesJson(this.#matched(parameters));
  }

  /** Names the Prometheus whose answers these are like, because clients choose by it what they ask for. */
  buildInformation(): Iterable<string> {
    const information = {
      version: '2.42.0',
      revision: `starling-${this.#options.version}`,
      branch: '',
      buildUser: 'starling metrics store',
      buildDate: '',
      goVersion: '',
    };
    return [JSON.stringify(information)];
  }

  #matched(parameters: URLSearchParams): Series[] {
    const { store } = this.#options;
    const fromMs = timeParameter(parameters, 'start', Number.NEGATIVE_INFINITY);
    const toMs = timeParameter(parameters, 'end', Number.POSITIVE_INFINITY);
    const selectors = parameters.getAll('match[]').map((text) => selectorMatchers(text));
    const found = new Set(selectors.length === 0 ? store.select([]) : selectors.flatMap((one) => store.select(one)));
    return [...found].filter((series) => store.isAliveWithin(series, fromMs, toMs));
  }

  #deadline(parameters: URLSearchParams): { clock: Clock; deadlineMs: number; timeoutMs: number } {
    const { clock, queryTimeoutMs } = this.#options;
    const asked = parameters.get('timeout') ? durationParameter(parameters, 'timeout') : queryTimeoutMs;
    const timeoutMs = Math.min(asked, queryTimeoutMs);
    return { clock, timeoutMs, deadlineMs: clock.monotonicMs() + timeoutMs };
  }
}

/** Unix seconds or RFC 3339, in milliseconds. */
function timeParameter(parameters: URLSearchParams, name: string, fallbackMs?: number): number {
  const text = parameters.get(name) ?? '';
  if (text === '' && fallbackMs !== undefined) return fallbackMs;
  const seconds = numberOf(text);
  const ms = seconds === undefined ? (RFC3339.test(text) ? Date.parse(text) : Number.NaN) : Math.round(seconds * 1000);
  if (Number.isNaN(ms) || Math.abs(ms) > TIME_MAX_MS) {
    throw badParameter(name, `cannot parse "${text}" to a valid timestamp`);
  }
  return ms;
}

/** Seconds or a duration such as 15s, in milliseconds. */
function durationParameter(parameters: URLSearchParams, name: string): number {
  const text = parameters.get(name) ?? '';
  const seconds = numberOf(text);
  const ms = seconds === undefined ? parseDurationMs(text) : seconds * 1000;
  if (ms === undefined || !Number.isFinite(ms)) throw badParameter(name, `cannot parse "${text}" to a valid duration`);
  return ms;
}

function numberOf(text: string): number | undefined {
  return /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(text) ? Number(text) : undefined;
}

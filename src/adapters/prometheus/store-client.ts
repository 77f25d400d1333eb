import { BREAKER_NUMBER, Breaker } from '../../lib/breaker.ts';
import { type Clock, sleep } from '../../lib/clock.ts';
import { DeadlineExceeded, withDeadline } from '../../lib/deadline.ts';
import { Limiter } from '../../lib/limiter.ts';
import type { Random } from '../../lib/random.ts';
import { scrubLine } from '../../lib/scrub.ts';
import { TimeseriesError } from '../../ports/signal-reader.ts';
import { type Meters, silentMeters } from '../../telemetry/meters.ts';
import { AddressError, checkAddress } from '../wire/address.ts';
import { type Auth, type HeaderCredential, hasSecret, headerCredential } from '../wire/auth.ts';
import { type Headers, sendWithCredential } from '../wire/credential.ts';
import { exchange, type HttpAnswer } from '../wire/exchange.ts';
import type { Outcome } from '../wire/outcome.ts';
import { Agents, type TlsMaterial } from '../wire/tls.ts';
import { describeBody, notPrometheus, parseEnvelope, parseQueryResult, type QueryResult } from './query-result.ts';
import { asTimeseriesError, failureOf, healthOf, isStoreTrouble, reasonOf } from './store-failure.ts';

export interface StoreClientOptions {
  /** The address before `/api/v1`. */
  readonly url: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly meters?: Meters | undefined;
  readonly auth?: Auth | undefined;
  readonly tls?: (() => TlsMaterial) | undefined;
  /** Further headers, such as `X-Scope-OrgID` for Mimir. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Deadline of one query, retries included. */
  readonly timeoutMs?: number | undefined;
  readonly retries?: number | undefined;
  readonly retryDelayMs?: number | undefined;
  readonly retryDelayMaxMs?: number | undefined;
  readonly responseMaxBytes?: number | undefined;
  readonly concurrency?: number | undefined;
  readonly breakerFailures?: number | undefined;
  readonly breakerOpenMs?: number | undefined;
  /** Four times fewer bytes for about a tenth more CPU in the store: for stores behind a slow or dear line. */
  readonly compression?: 'gzip' | 'none' | undefined;
}

export interface Query {
  /** A short fixed name, for the metrics. */
  readonly name: string;
  readonly promql: string;
  readonly signal?: AbortSignal | undefined;
}

interface StoreRequest {
  readonly name: string;
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly form?: URLSearchParams | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Talks HTTP to a Prometheus-compatible store: credentials, deadline, retries and the circuit breaker are its business. */
export class StoreClient {
  readonly url: string;
  readonly #options: StoreClientOptions;
  readonly #meters: Meters;
  readonly #agents: Agents;
  readonly #credential: HeaderCredential;
  readonly #breaker: Breaker<HttpAnswer>;
  readonly #limiter: Limiter;
  /** Learned from a store that knew no instant query and answered a range query. */
  #hasRangeAlone = false;

  constructor(options: StoreClientOptions) {
    const { clock, random, tls, auth = { kind: 'none' }, concurrency = 4 } = options;
    this.#options = options;
    this.#meters = options.meters ?? silentMeters;
    const to = 'the time-series store';
    const onFailure = () => this.#countRefusal();
    try {
      this.url = checkAddress(options.url, { what: to, hasCredentials: hasSecret(auth) }).url;
      this.#credential = headerCredential(auth, { clock, random, tls, userAgent: USER_AGENT, to, onFailure });
    } catch (error) {
      throw error instanceof AddressError ? new TimeseriesError('auth', error.message, { cause: error }) : error;
    }
    this.#limiter = new Limiter(concurrency);
    this.#agents = new Agents({ clock, tls, connectionsMax: concurrency + 1 });
    this.#breaker = new Breaker({
      clock,
      random,
      failures: options.breakerFailures ?? 5,
      openForMs: options.breakerOpenMs ?? 10_000,
      ofResult: () => 'well',
      ofError: healthOf,
      onChange: (state) =>
        this.#meters.set('starling_breaker_state', BREAKER_NUMBER[state], { dependency: 'timeseries' }),
    });
  }

  /**
   * One settled moment, by an instant query: a range query of one step costs more in Prometheus, and Thanos' front end would
   * move it to a multiple of its step. A store that has range queries alone is asked by them. `nocache=1` keeps
   * VictoriaMetrics from answering with data that is 30 s old; others ignore it.
   */
  async queryAt(query: Query & { atSeconds: number }): Promise<QueryResult> {
    if (!this.#hasRangeAlone) {
      try {
        return await this.#query(query, 'query', { query: query.promql, time: String(query.atSeconds), nocache: '1' });
      } catch (error) {
        if (!isWithoutEndpoint(error)) throw error;
      }
    }
    const span = { startSeconds: query.atSeconds, endSeconds: query.atSeconds, stepSeconds: ONE_STEP_SECONDS };
    const answer = await this.queryRange({ ...query, ...span });
    this.#hasRangeAlone = true;
    return answer;
  }

  async queryRange(
    query: Query & { startSeconds: number; endSeconds: number; stepSeconds: number },
  ): Promise<QueryResult> {
    const { promql, startSeconds, endSeconds, stepSeconds } = query;
    const span = { start: String(startSeconds), end: String(endSeconds), step: String(stepSeconds) };
    return this.#query(query, 'query_range', { query: promql, ...span, nocache: '1' });
  }

  /** Any other path below the address, such as `/api/v1/status/buildinfo`. */
  async get(request: { name: string; path: string; signal?: AbortSignal | undefined }): Promise<HttpAnswer> {
    return this.#send({ ...request, method: 'GET' });
  }

  /** For another client of the same store: what goes with a request, as of now. */
  async requestSettings(): Promise<{ headers: Headers; agents: ReturnType<Agents['for']> }> {
    const { timeoutMs = 10_000 } = this.#options;
    const headers = await this.#credential.credential.current(AbortSignal.timeout(timeoutMs));
    return { headers: { ...this.#options.headers, ...headers }, agents: this.#agents.for(this.url) };
  }

  close(): void {
    this.#agents.close();
    this.#credential.close();
  }

  async #query(query: Query, endpoint: string, form: Record<string, string>): Promise<QueryResult> {
    const path = `/api/v1/${endpoint}`;
    const { name, signal } = query;
    const reply = await this.#send({ name, method: 'POST', path, form: new URLSearchParams(form), signal });
    this.#meters.record('starling_timeseries_response_bytes', reply.bytes.length, { query: name });
    const answer = parseQueryResult(reply.bytes, { url: `${this.url}${path}`, status: reply.status });
    if (answer.partial) this.#meters.add('starling_timeseries_partial_total', 1);
    return answer;
  }

  async #send(request: StoreRequest): Promise<HttpAnswer> {
    const { clock, timeoutMs = 10_000 } = this.#options;
    const startedMs = clock.monotonicMs();
    let outcome = 'ok';
    try {
      const what = `the query ${request.name}`;
      return await withDeadline({ clock, what, afterMs: timeoutMs, signal: request.signal }, (signal) =>
        this.#limiter.run(() => this.#sendUntilAnswered(request, signal)),
      );
    } catch (error) {
      const fault = request.signal?.aborted ? error : asTimeseriesError(error, this.url);
      outcome = fault instanceof TimeseriesError ? fault.kind : 'aborted';
      this.#meters.add('starling_timeseries_errors_total', 1, { kind: outcome });
      throw fault;
    } finally {
      const seconds = (clock.monotonicMs() - startedMs) / 1000;
      this.#meters.record('starling_timeseries_request_seconds', seconds, { query: request.name, outcome });
    }
  }

  async #sendUntilAnswered(request: StoreRequest, signal: AbortSignal): Promise<HttpAnswer> {
    const { clock, random, retries = 2, retryDelayMs = 100, retryDelayMaxMs = 2_000 } = this.#options;
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await this.#breaker.run(() => this.#attemptInTime(request, signal));
      } catch (error) {
        if (signal.aborted || attempt >= retries || !isStoreTrouble(error)) throw error;
        this.#meters.add('starling_timeseries_retries_total', 1);
        await sleep(clock, random.next() * Math.min(retryDelayMaxMs, retryDelayMs * 2 ** attempt), signal);
      }
    }
  }

  /** A store that lets a request run into the deadline has failed it: the breaker must hear of that. */
  async #attemptInTime(request: StoreRequest, signal: AbortSignal): Promise<HttpAnswer> {
    try {
      return await this.#attempt(request, signal);
    } catch (error) {
      throw signal.reason instanceof DeadlineExceeded ? asTimeseriesError(signal.reason, this.url) : error;
    }
  }

  async #attempt(request: StoreRequest, signal: AbortSignal): Promise<HttpAnswer> {
    const outcome = await sendWithCredential(this.#credential.credential, {
      signal,
      send: (headers) => this.#exchange(request, headers, signal),
      isRefused,
      onRefused: () => this.#countRefusal(),
    });
    if (outcome.arrival !== 'answered') throw failureOf(outcome, this.url);
    return this.#checked(outcome, request);
  }

  #exchange(request: StoreRequest, credentials: Headers, signal: AbortSignal): Promise<Outcome<HttpAnswer>> {
    const { responseMaxBytes = 64 * 2 ** 20, compression = 'none', headers } = this.#options;
    return exchange(
      {
        method: request.method,
        url: `${this.url}${request.path}`,
        body: request.form?.toString(),
        headers: {
          'content-type': 'application/x-www-form-urlencoded',
          accept: 'application/json',
          'accept-encoding': compression === 'gzip' ? 'gzip' : 'identity',
          'user-agent': USER_AGENT,
          ...headers,
          ...credentials,
        },
        signal,
        agents: this.#agents,
      },
      { bytesMax: responseMaxBytes },
    );
  }

  /** A reply that an attempt may return: everything that another try may mend, and whatever is no query API, is thrown. */
  #checked(answer: HttpAnswer, { path }: StoreRequest): HttpAnswer {
    const { status, bytes, header } = answer;
    const from = { url: `${this.url}${path}`, status };
    if (isRefused(answer)) {
      const account = 'check timeseries.auth and what the account may read';
      throw new TimeseriesError('auth', `${this.url} answered ${status}: ${describeBody(bytes)}; ${account}`, {
        status,
      });
    }
    if (status >= 300 && status < 400)
      throw notPrometheus(from, `a redirect to ${scrubLine(header('location') ?? '?')}`);
    if (status < 400) return answer;
    if (status === 429 || status >= 500) {
      throw new TimeseriesError('overloaded', `${from.url} answered ${status}: ${reasonOf(bytes, from)}`, { status });
    }
    // Refused queries come as JSON and are read where the query is known; anything else is another server.
    parseEnvelope(bytes, from);
    return answer;
  }

  #countRefusal(): void {
    this.#meters.add('starling_auth_failures_total', 1, { dependency: 'timeseries' });
  }
}

const USER_AGENT = 'starling';

function isRefused(outcome: Outcome<HttpAnswer>): boolean {
  return outcome.arrival === 'answered' && (outcome.status === 401 || outcome.status === 403);
}

/** With start and end at one moment any step gives that moment alone. */
const ONE_STEP_SECONDS = 60;

function isWithoutEndpoint(error: unknown): boolean {
  return error instanceof TimeseriesError && (error.status === 404 || error.status === 405 || error.status === 501);
}

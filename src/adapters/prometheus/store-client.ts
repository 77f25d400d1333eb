import type { Agent as HttpAgent } from 'node:http';
import type { Agent as HttpsAgent } from 'node:https';
import type { Readable } from 'node:stream';
import axios, { type AxiosInstance, type AxiosResponse } from 'axios';
import { BREAKER_NUMBER, Breaker } from '../../lib/breaker.ts';
import { type Clock, sleep } from '../../lib/clock.ts';
import { DeadlineExceeded, withDeadline } from '../../lib/deadline.ts';
import { Limiter } from '../../lib/limiter.ts';
import type { Random } from '../../lib/random.ts';
import { scrubLine } from '../../lib/scrub.ts';
import { TimeseriesError } from '../../ports/signal-reader.ts';
import { type Meters, silentMeters } from '../../telemetry/meters.ts';
import { type CredentialSource, FixedCredentials, refuseCleartext, type TimeseriesAuth } from '../wire/credential.ts';
import { readBody } from '../wire/read-body.ts';
import { Agents, type TlsMaterial } from '../wire/tls.ts';
import { TokenExchange } from '../wire/token-exchange.ts';
import { type Answer, describeBody, notPrometheus, parseAnswer, parseEnvelope } from './answer.ts';
import { asTimeseriesError, healthOf, isStoreTrouble, reasonOf } from './store-failure.ts';

export interface StoreClientOptions {
  /** The address before `/api/v1`. */
  readonly url: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly meters?: Meters | undefined;
  readonly auth?: TimeseriesAuth | undefined;
  readonly tls?: (() => TlsMaterial) | undefined;
  readonly proxyUrl?: string | undefined;
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
  readonly exchangeTimeoutMs?: number | undefined;
  readonly backoffMaxMs?: number | undefined;
  /** Four times fewer bytes for about a tenth more CPU in the store: for stores behind a slow or dear line. */
  readonly compression?: 'gzip' | 'none' | undefined;
}

export interface Query {
  /** A short fixed name, for the metrics. */
  readonly name: string;
  readonly promql: string;
  readonly signal?: AbortSignal | undefined;
}

interface Request {
  readonly name: string;
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly form?: URLSearchParams | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: Buffer;
}

/** Talks HTTP to a Prometheus-compatible store: credentials, deadline, retries and the circuit breaker are its business. */
export class StoreClient {
  readonly url: string;
  readonly #options: StoreClientOptions;
  readonly #meters: Meters;
  readonly #agents: Agents;
  readonly #http: AxiosInstance;
  readonly #credentials: CredentialSource;
  readonly #breaker: Breaker<Reply>;
  readonly #limiter: Limiter;
  /** Learned from a store that knew no instant query and answered a range query. */
  #hasRangeAlone = false;

  constructor(options: StoreClientOptions) {
    const auth = options.auth ?? { kind: 'none' };
    refuseCleartext(new URL(options.url), auth);
    if (auth.kind === 'token-exchange') refuseCleartext(new URL(auth.exchangeUrl), auth);
    this.url = options.url.replace(/\/+$/, '');
    this.#options = options;
    this.#meters = options.meters ?? silentMeters;
    const concurrency = options.concurrency ?? 4;
    this.#limiter = new Limiter(concurrency);
    this.#agents = new Agents({
      clock: options.clock,
      tls: options.tls,
      proxyUrl: options.proxyUrl,
      connectionsMax: concurrency + 1,
    });
    this.#http = axios.create({
      adapter: 'http',
      responseType: 'arraybuffer',
      maxRedirects: 0,
      proxy: false,
      validateStatus: () => true,
      // A string or a buffer comes in and goes out; nothing is to be guessed from it.
      transformRequest: (data) => data,
      transformResponse: (data) => data,
    });
    this.#credentials = this.#credentialSource(auth);
    this.#breaker = new Breaker({
      clock: options.clock,
      random: options.random,
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
  async queryAt(query: Query & { atSeconds: number }): Promise<Answer> {
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

  async queryRange(query: Query & { startSeconds: number; endSeconds: number; stepSeconds: number }): Promise<Answer> {
    const { promql, startSeconds, endSeconds, stepSeconds } = query;
    const span = { start: String(startSeconds), end: String(endSeconds), step: String(stepSeconds) };
    return this.#query(query, 'query_range', { query: promql, ...span, nocache: '1' });
  }

  /** Any other path below the address, such as `/api/v1/status/buildinfo`. */
  async get(request: { name: string; path: string; signal?: AbortSignal | undefined }): Promise<Reply> {
    return this.#send({ ...request, method: 'GET' });
  }

  /** For another client of the same store: what goes with a request, as of now. */
  async requestSettings(): Promise<{
    headers: Readonly<Record<string, string>>;
    agents: { httpAgent: HttpAgent; httpsAgent?: HttpsAgent };
  }> {
    const { timeoutMs = 10_000 } = this.#options;
    const { headers } = await this.#credentials.credentials(AbortSignal.timeout(timeoutMs));
    return { headers: { ...this.#options.headers, ...headers }, agents: this.#agents.for(this.url) };
  }

  close(): void {
    this.#agents.close();
  }

  async #query(query: Query, endpoint: string, form: Record<string, string>): Promise<Answer> {
    const path = `/api/v1/${endpoint}`;
    const { name, signal } = query;
    const reply = await this.#send({ name, method: 'POST', path, form: new URLSearchParams(form), signal });
    this.#meters.record('starling_timeseries_response_bytes', reply.body.length, { query: name });
    const answer = parseAnswer(reply.body, { url: `${this.url}${path}`, status: reply.status });
    if (answer.partial) this.#meters.add('starling_timeseries_partial_total', 1);
    return answer;
  }

  async #send(request: Request): Promise<Reply> {
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

  async #sendUntilAnswered(request: Request, signal: AbortSignal): Promise<Reply> {
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
  async #attemptInTime(request: Request, signal: AbortSignal): Promise<Reply> {
    try {
      return await this.#attempt(request, signal);
    } catch (error) {
      throw signal.reason instanceof DeadlineExceeded ? asTimeseriesError(signal.reason, this.url) : error;
    }
  }

  async #attempt(request: Request, signal: AbortSignal): Promise<Reply> {
    const used = await this.#credentials.credentials(signal);
    const reply = await this.#exchange(request, used.headers, signal);
    if (reply.status !== 401 && reply.status !== 403) {
      this.#credentials.accepted();
      return this.#checked(reply, request);
    }
    this.#meters.add('starling_auth_failures_total', 1, { dependency: 'timeseries' });
    if (!this.#credentials.refused(used)) throw this.#refusal(reply);
    const renewed = await this.#credentials.credentials(signal);
    const second = await this.#exchange(request, renewed.headers, signal);
    if (second.status !== 401 && second.status !== 403) {
      this.#credentials.accepted();
      return this.#checked(second, request);
    }
    this.#meters.add('starling_auth_failures_total', 1, { dependency: 'timeseries' });
    this.#credentials.refused(renewed);
    throw this.#refusal(second);
  }

  async #exchange(request: Request, headers: Record<string, string>, signal: AbortSignal): Promise<Reply> {
    const { responseMaxBytes = 64 * 2 ** 20, compression = 'none' } = this.#options;
    const response: AxiosResponse<Readable> = await this.#http.request({
      method: request.method,
      responseType: 'stream',
      url: `${this.url}${request.path}`,
      data: request.form?.toString(),
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        accept: 'application/json',
        'accept-encoding': compression === 'gzip' ? 'gzip' : 'identity',
        'user-agent': 'starling',
        ...this.#options.headers,
        ...headers,
      },
      signal,
      ...this.#agents.for(this.url),
    });
    const body = await readBody(response.data, { maxBytes: responseMaxBytes });
    return { status: response.status, headers: response.headers, body };
  }

  /** A reply that an attempt may return: everything that another try may mend, and whatever is no query API, is thrown. */
  #checked(reply: Reply, { path }: Request): Reply {
    const { status, body, headers } = reply;
    const from = { url: `${this.url}${path}`, status };
    if (status >= 300 && status < 400) {
      throw notPrometheus(from, `a redirect to ${scrubLine(String(headers['location'] ?? '?'))}`);
    }
    if (status < 400) return reply;
    if (status === 429 || status >= 500) {
      throw new TimeseriesError('overloaded', `${from.url} answered ${status}: ${reasonOf(body, from)}`, { status });
    }
    // Refused queries come as JSON and are told apart by whoever knows the query; anything else is another server.
    parseEnvelope(body, from);
    return reply;
  }

  #refusal(reply: Reply): TimeseriesError {
    const { status, body } = reply;
    return new TimeseriesError(
      'auth',
      `${this.url} answered ${status}: ${describeBody(body)}; check timeseries.auth and what the account may read`,
      { status },
    );
  }

  #credentialSource(auth: TimeseriesAuth): CredentialSource {
    if (auth.kind !== 'token-exchange') return new FixedCredentials(auth);
    const { clock, random, exchangeTimeoutMs = 5_000, backoffMaxMs = 180_000 } = this.#options;
    return new TokenExchange({
      auth,
      clock,
      random,
      timeoutMs: exchangeTimeoutMs,
      backoffMaxMs,
      onFailure: () => this.#meters.add('starling_auth_failures_total', 1, { dependency: 'timeseries' }),
      post: async ({ url, headers, body, signal }) => {
        const response: AxiosResponse<Buffer> = await this.#http.post(url, body, {
          headers: { accept: 'application/json', ...headers },
          signal,
          maxContentLength: 65_536,
          ...this.#agents.for(url),
        });
        return { status: response.status, body: response.data.toString('utf8') };
      },
    });
  }
}

/** With start and end at one moment any step gives that moment alone. */
const ONE_STEP_SECONDS = 60;

function isWithoutEndpoint(error: unknown): boolean {
  return error instanceof TimeseriesError && (error.status === 404 || error.status === 405 || error.status === 501);
}

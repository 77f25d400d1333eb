import http from 'node:http';
import https from 'node:https';
import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import axios, { type AxiosRequestConfig, type AxiosResponse } from 'axios';
import type { Clock } from '../../lib/clock.ts';
import { isLoopback } from '../../lib/loopback.ts';
import { scrubLine } from '../../lib/scrub.ts';
import { type Meters, silentMeters } from '../../telemetry/meters.ts';
import type { Access } from './access.ts';
import { type ApiResult, type NoApiAnswer, retryAfterMs } from './api-answer.ts';
import type { Credentials } from './credentials.ts';

export interface ApiClientOptions {
  readonly access: Access;
  readonly clock: Clock;
  readonly meters?: Meters | undefined;
  readonly userAgent?: string | undefined;
  readonly connectionsMax?: number | undefined;
  readonly responseMaxBytes?: number | undefined;
}

export interface ApiRequest {
  /** For the metrics. */
  readonly call: 'list' | 'watch' | 'get' | 'patch' | 'review';
  readonly path: string;
  readonly method?: 'GET' | 'PATCH' | 'POST';
  readonly contentType?: string;
  readonly body?: unknown;
  readonly signal: AbortSignal;
  /** Told right before bytes may leave; throws to keep them. */
  readonly onSend?: () => void;
}

/** How a watch came to its end. `answer`: it was refused. */
export type WatchEnd = { readonly kind: 'ended' } | ApiResult;

const NEVER_ARRIVED = ['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'EADDRNOTAVAIL', 'ENOTFOUND', 'EAI_AGAIN'];
const TLS_CODE = /^(?:ERR_TLS|ERR_SSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|EPROTO|HOSTNAME_MISMATCH|ERR_OSSL)/;
const RESPONSE_MAX_BYTES = 64 * 1024 * 1024;
/** etcd takes no object larger than 1.5 MiB; a line holds one. */
const LINE_MAX_CHARACTERS = 8 * 1024 * 1024;

/** The few requests to the Kubernetes API that we need. No redirects, no proxies of the environment, no throwing on status. */
export class ApiClient {
  readonly #options: ApiClientOptions;
  readonly #meters: Meters;
  #agent: http.Agent | undefined;
  #agentOf: Credentials | undefined;

  constructor(options: ApiClientOptions) {
    this.#options = options;
    this.#meters = options.meters ?? silentMeters;
  }

  /** Throws nothing but what `onSend` does. A credential that is refused is read once more, and the request sent again. */
  async request(request: ApiRequest): Promise<ApiResult> {
    return (await this.#send(request, (response) => readAnswer(response))) as ApiResult;
  }

  /** Hands on every line until the server ends the watch, the connection breaks or the signal aborts. */
  async watch(
    request: { path: string; signal: AbortSignal; onOpen: () => void; onHeard: () => void },
    onLine: (line: string) => void,
  ): Promise<WatchEnd> {
    const { path, signal, onOpen, onHeard } = request;
    return this.#send({ call: 'watch', path, signal }, async (response) => {
      if (response.status !== 200) return readAnswer(response);
      onOpen();
      return readLines(response.data, { onHeard, onLine });
    });
  }

  close(): void {
    this.#agent?.destroy();
  }

  async #send(request: ApiRequest, read: (response: AxiosResponse<Readable>) => Promise<WatchEnd>): Promise<WatchEnd> {
    const { access, clock } = this.#options;
    const meters = this.#meters;
    for (let attempt = 0; ; attempt += 1) {
      let credentials: Credentials;
      let config: AxiosRequestConfig;
      try {
        ({ credentials } = await access.current());
        config = this.#config(request, credentials);
      } catch (error) {
        return { kind: 'no-answer', mayHaveArrived: false, isAborted: false, detail: (error as Error).message };
      }
      if (request.signal.aborted)
        return { kind: 'no-answer', mayHaveArrived: false, isAborted: true, detail: 'given up' };
      request.onSend?.();
      const startMs = clock.monotonicMs();
      const note = (outcome: string) =>
        meters.record('starling_control_plane_request_seconds', (clock.monotonicMs() - startMs) / 1_000, {
          call: request.call,
          outcome,
        });
      try {
        const response = await axios.request<Readable>(config);
        note(outcomeOf(response.status));
        if (response.status === 401) {
          meters.add('starling_auth_failures_total', 1, { dependency: 'control-plane' });
          const answer = await readAnswer(response);
          if (attempt > 0 || !(await access.renew(credentials).catch(() => false))) return answer;
          continue;
        }
        return await read(response);
      } catch (error) {
        const failure = noAnswerOf(error, request.signal);
        note(failure.isAborted ? 'aborted' : failure.mayHaveArrived ? 'reset' : 'refused');
        return failure;
      }
    }
  }

  #config(request: ApiRequest, credentials: Credentials): AxiosRequestConfig {
    const { userAgent = 'starling', responseMaxBytes = RESPONSE_MAX_BYTES } = this.#options;
    const { server, token } = credentials;
    const { protocol, hostname } = new URL(server);
    if (protocol !== 'https:' && token !== undefined && !isLoopback(hostname)) {
      throw new Error(`${server} is plain http: a token would go over the network unencrypted; use https`);
    }
    const agent = this.#agentFor(credentials, protocol === 'https:');
    return {
      adapter: 'http',
      maxRedirects: 0,
      proxy: false,
      responseType: 'stream',
      validateStatus: () => true,
      maxBodyLength: 1024 * 1024,
      // A watch has no end that could be measured.
      maxContentLength: request.call === 'watch' ? -1 : responseMaxBytes,
      httpAgent: agent,
      httpsAgent: agent,
      method: request.method ?? 'GET',
      url: `${server}${request.path}`,
      headers: {
        Accept: 'application/json',
        'User-Agent': userAgent,
        ...(request.body === undefined ? {} : { 'Content-Type': request.contentType ?? 'application/json' }),
        ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
      },
      ...(request.body === undefined ? {} : { data: JSON.stringify(request.body) }),
      signal: request.signal,
    };
  }

  /** Made anew when certificates change; the old one is left to its requests. */
  #agentFor(credentials: Credentials, isTls: boolean): http.Agent {
    const { ca, cert, key, serverName, isInsecure } = credentials;
    const was = this.#agentOf;
    const isSame = was && was.ca === ca && was.cert === cert && was.key === key && was.server === credentials.server;
    if (this.#agent && isSame) return this.#agent;
    // Each watch keeps a connection to itself; nothing waits for one.
    const common = { keepAlive: true, maxFreeSockets: this.#options.connectionsMax ?? 64, scheduling: 'lifo' as const };
    this.#agentOf = credentials;
    this.#agent = isTls
      ? new https.Agent({
          ...common,
          minVersion: 'TLSv1.2',
          rejectUnauthorized: !isInsecure,
          ...(ca === undefined ? {} : { ca }),
          ...(cert === undefined ? {} : { cert }),
          ...(key === undefined ? {} : { key }),
          ...(serverName === undefined ? {} : { servername: serverName }),
        })
      : new http.Agent(common);
    return this.#agent;
  }
}

async function readAnswer({ status, headers, data }: AxiosResponse<Readable>): Promise<ApiResult> {
  const chunks: Buffer[] = [];
  for await (const chunk of data) chunks.push(chunk as Buffer);
  let body: unknown;
  try {
    body = JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch {
    // What is no JSON was not said by an API server.
  }
  return { kind: 'answer', status, body, retryAfterMs: retryAfterMs(headers['retry-after']) };
}

async function readLines(
  stream: Readable,
  { onHeard, onLine }: { onHeard: () => void; onLine: (line: string) => void },
): Promise<WatchEnd> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  for await (const chunk of stream) {
    onHeard();
    rest += decoder.write(chunk as Buffer);
    const lines = rest.split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > LINE_MAX_CHARACTERS)
      throw new Error(`a watch sent a line of more than ${LINE_MAX_CHARACTERS} characters`);
    for (const line of lines) if (line !== '') onLine(line);
  }
  return { kind: 'ended' };
}

function outcomeOf(status: number): string {
  return status === 409 || status === 429 ? String(status) : `${Math.floor(status / 100)}xx`;
}

function noAnswerOf(error: unknown, signal: AbortSignal): NoApiAnswer {
  const no = (mayHaveArrived: boolean, detail: string, isAborted = false): NoApiAnswer => ({
    kind: 'no-answer',
    mayHaveArrived,
    isAborted,
    detail: scrubLine(detail),
  });
  if (signal.aborted) return no(true, 'given up before the answer came', true);
  const { code, message } = describe(error);
  if (NEVER_ARRIVED.includes(code)) return no(false, `no connection: ${message}`);
  // Handshakes end before any request is read.
  if (TLS_CODE.test(code))
    return no(false, `no trusted connection: ${message} (${code}); check the CA of the API server`);
  return no(true, `the connection broke: ${message}`);
}

function describe(error: unknown): { code: string; message: string } {
  if (!(error instanceof Error)) return { code: '', message: String(error) };
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  // Several addresses tried, all failed: the first failure tells why.
  const shown: unknown = error.cause instanceof AggregateError ? error.cause.errors[0] : error;
  return { code, message: shown instanceof Error && shown.message !== '' ? shown.message : code };
}

import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import type { Clock } from '../../lib/clock.ts';
import { type Meters, silentMeters } from '../../telemetry/meters.ts';
import { checkAddress } from '../wire/address.ts';
import { sendWithCredential } from '../wire/credential.ts';
import {
  asJson,
  exchangeStream,
  type HttpAnswer,
  type HttpHead,
  type JsonAnswer,
  readBytes,
} from '../wire/exchange.ts';
import { type Outcome, timeControlPlaneCall, unanswered } from '../wire/outcome.ts';
import { Agents, type TlsMaterial } from '../wire/tls.ts';
import type { Access } from './access.ts';
import type { Credentials } from './credentials.ts';

export interface ApiClientOptions {
  readonly access: Access;
  readonly clock: Clock;
  readonly meters?: Meters | undefined;
  readonly userAgent?: string | undefined;
  readonly connectionsMax?: number | undefined;
}

export interface KubernetesRequest {
  /** For the metrics. */
  readonly call: 'list' | 'watch' | 'get' | 'patch' | 'review';
  readonly path: string;
  readonly method?: 'GET' | 'PATCH' | 'POST';
  readonly contentType?: string;
  readonly body?: unknown;
  readonly signal: AbortSignal;
  /** Called right before bytes may leave; throws to keep them. */
  readonly onSend?: () => void;
}

/** How a watch came to its end. `answered`: it was refused. */
export type WatchEnd = { readonly arrival: 'ended' } | Outcome<JsonAnswer>;

const RESPONSE_MAX_BYTES = 64 * 1024 * 1024;
/** etcd takes no object larger than 1.5 MiB; a line holds one. */
const LINE_MAX_CHARACTERS = 8 * 1024 * 1024;
/** The server ends every watch within five minutes: those that began with an old certificate end by themselves. */
const DRAIN_MS = 300_000;

/** The few requests to the Kubernetes API that we need. */
export class ApiClient {
  readonly #options: ApiClientOptions;
  readonly #meters: Meters;
  readonly #agents: Agents;
  #tls: TlsMaterial = {};

  constructor(options: ApiClientOptions) {
    const { clock, connectionsMax = 64 } = options;
    this.#options = options;
    this.#meters = options.meters ?? silentMeters;
    // Each watch keeps a connection to itself; nothing waits for one.
    this.#agents = new Agents({ clock, connectionsMax, opensMore: true, drainMs: DRAIN_MS, tls: () => this.#tls });
  }

  /** Throws nothing but what `onSend` does. */
  async request(request: KubernetesRequest): Promise<Outcome<JsonAnswer>> {
    const answer = await this.#send(request, answerOf);
    return asJson(answer, this.#options.clock.wallMs());
  }

  /** Hands on every line until the server ends the watch, the connection breaks or the signal aborts. */
  async watch(
    request: { path: string; signal: AbortSignal; onOpen: () => void; onData: () => void },
    onLine: (line: string) => void,
  ): Promise<WatchEnd> {
    const { path, signal, onOpen, onData } = request;
    const end = await this.#send({ call: 'watch', path, signal }, async (head, stream) => {
      if (head.status !== 200) return answerOf(head, stream);
      onOpen();
      await readLines(stream, { onData, onLine });
      return { arrival: 'ended' as const, status: head.status };
    });
    return end.arrival === 'ended' ? end : asJson(end, this.#options.clock.wallMs());
  }

  close(): void {
    this.#agents.close();
  }

  #send<T extends { readonly status: number }>(
    request: KubernetesRequest,
    read: (head: HttpHead, stream: Readable) => Promise<T>,
  ) {
    return sendWithCredential(this.#options.access, {
      signal: request.signal,
      send: ({ credentials }) => this.#sendAs(credentials, request, read),
      isRefused: (result) => 'status' in result && result.status === 401,
      onRefused: () => this.#meters.add('starling_auth_failures_total', 1, { dependency: 'control-plane' }),
    });
  }

  async #sendAs<T extends { readonly status: number }>(
    credentials: Credentials,
    request: KubernetesRequest,
    read: (head: HttpHead, stream: Readable) => Promise<T>,
  ) {
    const { server, token, ...tls } = credentials;
    const { call, path, method = 'GET', contentType = 'application/json', body, signal } = request;
    let url: string;
    try {
      ({ url } = checkAddress(server, { what: 'the API server', hasCredentials: token !== undefined }));
    } catch (error) {
      return unanswered('not-sent', 'credential', { detail: (error as Error).message, error });
    }
    this.#tls = tls;
    const note = timeControlPlaneCall({ clock: this.#options.clock, meters: this.#meters }, call);
    request.onSend?.();
    const result = await exchangeStream(
      {
        method,
        url: `${url}${path}`,
        headers: {
          Accept: 'application/json',
          'User-Agent': this.#options.userAgent ?? 'starling',
          ...(body === undefined ? {} : { 'Content-Type': contentType }),
          ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
        },
        body: body === undefined ? undefined : JSON.stringify(body),
        signal,
        agents: this.#agents,
      },
      (head, stream) => {
        // As it begins: a watch has no end that could be measured.
        note(head);
        return read(head, stream);
      },
    );
    if (!('status' in result)) note(result);
    return result;
  }
}

async function answerOf(head: HttpHead, stream: Readable): Promise<HttpAnswer> {
  return { ...head, arrival: 'answered', bytes: await readBytes(stream, RESPONSE_MAX_BYTES) };
}

async function readLines(
  stream: Readable,
  { onData, onLine }: { onData: () => void; onLine: (line: string) => void },
): Promise<void> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  for await (const chunk of stream) {
    onData();
    rest += decoder.write(chunk as Buffer);
    const lines = rest.split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > LINE_MAX_CHARACTERS)
      throw new Error(`a watch sent a line of more than ${LINE_MAX_CHARACTERS} characters`);
    for (const line of lines) if (line !== '') onLine(line);
  }
}

import type { Clock } from '../../lib/clock.ts';
import type { Random } from '../../lib/random.ts';
import { scrubLine } from '../../lib/scrub.ts';
import { type Meters, silentMeters } from '../../telemetry/meters.ts';
import { AddressError, checkAddress, lookupChecked } from '../wire/address.ts';
import { type Auth, type Credential, type CredentialStatus, createCredential } from '../wire/auth.ts';
import { type Answer, exchange, type NoAnswer } from '../wire/exchange.ts';
import { Agents, type TlsMaterial } from '../wire/tls.ts';

export interface ConnectionOptions {
  /** The URL before /v2 and /v1. */
  readonly url: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly auth?: Auth | undefined;
  readonly tls?: (() => TlsMaterial) | undefined;
  readonly connectionsMax?: number | undefined;
  readonly userAgent?: string | undefined;
  readonly meters?: Meters | undefined;
}

export interface Request {
  /** For the metrics. */
  readonly call: 'prediction' | 'deployment' | 'scaling-targets';
  readonly method: 'GET' | 'PUT';
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly responseMaxBytes: number;
  readonly signal: AbortSignal;
  /** Told right before bytes may leave; throws to keep them. */
  readonly onSend?: () => void;
}

/** The way to one control plane: connections, certificates and credentials. What an answer means is for others to say. */
export class ControlPlaneConnection {
  readonly url: string;
  readonly #clock: Clock;
  readonly #meters: Meters;
  readonly #credential: Credential;
  readonly #agents: Agents;
  readonly #userAgent: string;

  constructor(options: ConnectionOptions) {
    const { clock, random, tls, auth = { kind: 'none' }, userAgent = 'starling' } = options;
    const hasCredentials = auth.kind === 'bearer' || auth.kind === 'oauth2';
    const { url, isTls } = checkAddress(options.url, { what: 'the control plane', hasCredentials });
    if (auth.kind === 'mtls' && !isTls) {
      throw new AddressError(
        `the control plane is plain http, where no certificate is shown; use https with auth mtls`,
      );
    }
    this.url = url;
    this.#clock = clock;
    this.#meters = options.meters ?? silentMeters;
    this.#userAgent = userAgent;
    this.#credential = createCredential(auth, { clock, random, tls, userAgent });
    this.#agents = new Agents({ clock, connectionsMax: options.connectionsMax ?? 64, tls, lookup: lookupChecked });
  }

  /** Throws nothing but what `onSend` does. A credential that is refused is dropped once, and the request sent once more. */
  async request(request: Request): Promise<Answer | NoAnswer> {
    const first = await this.#attempt(request);
    if (first.result.kind !== 'answer' || first.result.status !== 401) return first.result;
    this.#meters.add('starling_auth_failures_total', 1, { dependency: 'control-plane' });
    if (!this.#credential.drop(first.authorization)) return first.result;
    return (await this.#attempt(request)).result;
  }

  credentialStatus(): CredentialStatus {
    return this.#credential.status();
  }

  close(): void {
    this.#agents.close();
    this.#credential.close();
  }

  async #attempt(request: Request): Promise<{ result: Answer | NoAnswer; authorization: string | undefined }> {
    let authorization: string | undefined;
    try {
      authorization = await this.#credential.authorization(request.signal);
    } catch (error) {
      const detail = scrubLine(error instanceof Error ? error.message : String(error));
      return { result: { kind: 'no-answer', cause: 'credential', mayHaveArrived: false, detail }, authorization };
    }
    const startMs = this.#clock.monotonicMs();
    request.onSend?.();
    const result = await exchange(
      {
        ...this.#agents.for(this.url),
        method: request.method,
        url: `${this.url}${request.path}`,
        headers: {
          Accept: 'application/json, application/problem+json',
          'User-Agent': this.#userAgent,
          ...(request.body === undefined ? {} : { 'Content-Type': 'application/json' }),
          ...(authorization === undefined ? {} : { Authorization: authorization }),
          ...request.headers,
        },
        ...(request.body === undefined ? {} : { data: JSON.stringify(request.body) }),
        signal: request.signal,
      },
      request,
    );
    const seconds = (this.#clock.monotonicMs() - startMs) / 1_000;
    this.#meters.record('starling_control_plane_request_seconds', seconds, {
      call: request.call,
      outcome: outcomeOf(result),
    });
    return { result, authorization };
  }
}

function outcomeOf(result: Answer | NoAnswer): string {
  if (result.kind === 'no-answer') return result.cause;
  if (result.status === 409 || result.status === 429) return String(result.status);
  return `${Math.floor(result.status / 100)}xx`;
}

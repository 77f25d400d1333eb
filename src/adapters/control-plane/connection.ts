import type { Clock } from '../../lib/clock.ts';
import type { Random } from '../../lib/random.ts';
import { type Meters, silentMeters } from '../../telemetry/meters.ts';
import { AddressError, checkAddress } from '../wire/address.ts';
import { type Auth, type CredentialStatus, type HeaderCredential, hasSecret, headerCredential } from '../wire/auth.ts';
import { type Headers, sendWithCredential } from '../wire/credential.ts';
import { asJson, exchange, type JsonAnswer } from '../wire/exchange.ts';
import { type Outcome, timeControlPlaneCall } from '../wire/outcome.ts';
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

export interface ControlPlaneRequest {
  /** For the metrics. */
  readonly call: 'prediction' | 'deployment' | 'scaling-targets';
  readonly method: 'GET' | 'PUT';
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly responseMaxBytes: number;
  readonly signal: AbortSignal;
  /** Called right before bytes may leave; throws to keep them. */
  readonly onSend?: () => void;
}

/** The way to one control plane: connections, certificates and credentials. What an answer means is for others to say. */
export class ControlPlaneConnection {
  readonly url: string;
  readonly #clock: Clock;
  readonly #meters: Meters;
  readonly #credential: HeaderCredential;
  readonly #agents: Agents;
  readonly #userAgent: string;

  constructor(options: ConnectionOptions) {
    const { clock, random, tls, auth = { kind: 'none' }, userAgent = 'starling' } = options;
    const to = 'the control plane';
    const { url, isTls } = checkAddress(options.url, { what: to, hasCredentials: hasSecret(auth) });
    if (auth.kind === 'mtls' && !isTls) {
      throw new AddressError(`${to} is plain http, where no certificate is shown; use https with auth mtls`);
    }
    this.url = url;
    this.#clock = clock;
    this.#meters = options.meters ?? silentMeters;
    this.#userAgent = userAgent;
    this.#credential = headerCredential(auth, { clock, random, tls, userAgent, to });
    this.#agents = new Agents({ clock, connectionsMax: options.connectionsMax ?? 64, tls });
  }

  /** Throws nothing but what `onSend` does. */
  request(request: ControlPlaneRequest): Promise<Outcome<JsonAnswer>> {
    return sendWithCredential(this.#credential.credential, {
      signal: request.signal,
      send: (proof) => this.#send(request, proof),
      isRefused: (result) => result.arrival === 'answered' && result.status === 401,
      onRefused: () => this.#meters.add('starling_auth_failures_total', 1, { dependency: 'control-plane' }),
    });
  }

  credentialStatus(): CredentialStatus {
    return this.#credential.status();
  }

  close(): void {
    this.#agents.close();
    this.#credential.close();
  }

  async #send(request: ControlPlaneRequest, proof: Headers): Promise<Outcome<JsonAnswer>> {
    const { call, method, path, headers, body, signal, responseMaxBytes } = request;
    const note = timeControlPlaneCall({ clock: this.#clock, meters: this.#meters }, call);
    request.onSend?.();
    const answer = await exchange(
      {
        method,
        url: `${this.url}${path}`,
        headers: {
          Accept: 'application/json, application/problem+json',
          'User-Agent': this.#userAgent,
          ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
          ...proof,
          ...headers,
        },
        body: body === undefined ? undefined : JSON.stringify(body),
        signal,
        agents: this.#agents,
      },
      { bytesMax: responseMaxBytes },
    );
    note(answer);
    return asJson(answer, this.#clock.wallMs());
  }
}

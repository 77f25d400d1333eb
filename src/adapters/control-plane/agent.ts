import http from 'node:http';
import https from 'node:https';
import { lookupChecked } from './address.ts';

/** Certificates as PEM text, asked for again and again: files are reloaded while we run. */
export interface TlsMaterial {
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
}

export interface TlsOptions {
  readonly material?: (() => TlsMaterial) | undefined;
  /** Name to look for in the certificate where it is not the host. */
  readonly serverName?: string | undefined;
  /** Does not verify. Written out by the operator or never. */
  readonly isInsecure?: boolean | undefined;
}

/** Keep-alive connections to one place, at most so many; made anew when the certificates change. */
export class AgentSource {
  readonly #connectionsMax: number;
  readonly #isTls: boolean;
  readonly #tls: TlsOptions;
  #material: TlsMaterial = {};
  #plain: http.Agent | undefined;
  #secure: https.Agent | undefined;

  constructor(options: { isTls: boolean; connectionsMax: number; tls?: TlsOptions | undefined }) {
    this.#isTls = options.isTls;
    this.#connectionsMax = options.connectionsMax;
    this.#tls = options.tls ?? {};
  }

  /** The agents for one request, under the names that axios knows them by. */
  current(): { httpAgent: http.Agent } | { httpsAgent: https.Agent } {
    if (!this.#isTls) {
      this.#plain ??= new http.Agent(this.#common());
      return { httpAgent: this.#plain };
    }
    const { ca, cert, key } = this.#tls.material?.() ?? {};
    const isSame = ca === this.#material.ca && cert === this.#material.cert && key === this.#material.key;
    if (!this.#secure || !isSame) {
      this.#material = { ca, cert, key };
      // The old one is left to its requests; its idle connections close by themselves.
      this.#secure = new https.Agent({
        ...this.#common(),
        minVersion: 'TLSv1.2',
        rejectUnauthorized: !this.#tls.isInsecure,
        ...(ca === undefined ? {} : { ca }),
        ...(cert === undefined ? {} : { cert }),
        ...(key === undefined ? {} : { key }),
        ...(this.#tls.serverName === undefined ? {} : { servername: this.#tls.serverName }),
      });
    }
    return { httpsAgent: this.#secure };
  }

  close(): void {
    this.#plain?.destroy();
    this.#secure?.destroy();
  }

  #common() {
    return {
      keepAlive: true,
      maxSockets: this.#connectionsMax,
      maxFreeSockets: this.#connectionsMax,
      scheduling: 'lifo' as const,
      lookup: lookupChecked,
    };
  }
}

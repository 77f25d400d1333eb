import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { Clock } from '../../lib/clock.ts';
import { lookupChecked } from './address.ts';

/** PEM texts. Certificates are renewed while we run. */
export interface TlsMaterial {
  /** Authorities to trust; undefined: those that Node trusts. */
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  /** The name to look for in the certificate instead of the address. */
  readonly serverName?: string | undefined;
  /** Does not verify the other side. Only when somebody wrote it out. */
  readonly insecure?: boolean | undefined;
}

export interface AgentOptions {
  readonly clock: Clock;
  /** Asked for every request. */
  readonly tls?: (() => TlsMaterial) | undefined;
  /** So many at a time, and so many kept. */
  readonly connectionsMax: number;
  /** More than `connectionsMax` are opened where all are busy; only so many are kept. */
  readonly opensMore?: boolean;
  /** How long requests with old certificates have to end. */
  readonly drainMs?: number;
}

/** Keep-alive connections; new certificates mean new connections, while requests on the old ones end in peace. */
export class Agents {
  readonly #options: AgentOptions;
  readonly #http: HttpAgent;
  #https: { readonly agent: HttpsAgent; readonly material: string } | undefined;
  readonly #draining = new Set<() => void>();

  constructor(options: AgentOptions) {
    this.#options = options;
    this.#http = new HttpAgent(this.#common());
  }

  /** The agents for one request to this URL, under the names that axios knows them by. */
  for(url: string): { httpAgent: HttpAgent } | { httpsAgent: HttpsAgent } {
    return url.startsWith('https:') ? { httpsAgent: this.#secure() } : { httpAgent: this.#http };
  }

  close(): void {
    this.#http.destroy();
    this.#https?.agent.destroy();
    for (const end of this.#draining) end();
  }

  #secure(): HttpsAgent {
    const tls = this.#options.tls?.() ?? {};
    const material = JSON.stringify(tls);
    if (this.#https?.material === material) return this.#https.agent;
    if (this.#https) this.#drain(this.#https.agent);
    const agent = new HttpsAgent({
      ...this.#common(),
      minVersion: 'TLSv1.2',
      rejectUnauthorized: tls.insecure !== true,
      ...(tls.ca === undefined ? {} : { ca: tls.ca }),
      ...(tls.cert === undefined ? {} : { cert: tls.cert }),
      ...(tls.key === undefined ? {} : { key: tls.key }),
      ...(tls.serverName === undefined ? {} : { servername: tls.serverName }),
    });
    this.#https = { agent, material };
    return agent;
  }

  #drain(agent: HttpsAgent): void {
    const end = () => {
      cancel();
      this.#draining.delete(end);
      agent.destroy();
    };
    const cancel = this.#options.clock.after(this.#options.drainMs ?? 30_000, end);
    this.#draining.add(end);
  }

  #common() {
    const { connectionsMax, opensMore = false } = this.#options;
    return {
      keepAlive: true,
      ...(opensMore ? {} : { maxSockets: connectionsMax }),
      maxFreeSockets: connectionsMax,
      scheduling: 'lifo' as const,
      lookup: lookupChecked,
    };
  }
}

import { createServer, type Server } from 'node:http';
import type { Logger } from 'pino';
import type { Config } from '../config/config.ts';
import { adminApp } from '../http/admin/admin-app.ts';
import type { AdminWorld } from '../http/admin/admin-world.ts';
import type { HealthFacts } from '../http/health.ts';
import { startMetricsServer } from '../http/metrics-server.ts';
import { startProbeServer } from '../http/probe-server.ts';
import { closeServer, listen } from '../lib/listen.ts';

const GRACE_MS = 500;

/**
 * Where the service answers: probes, metrics, the admin API. Each is opened when what it shows is there, and gives its
 * address with the actual port; undefined where it is turned off.
 */
export class ServiceListeners {
  readonly #config: Config;
  readonly #logger: Logger;
  readonly #servers: Server[] = [];

  constructor(config: Config, logger: Logger) {
    this.#config = config;
    this.#logger = logger;
  }

  async openHealth(facts: () => HealthFacts): Promise<string | undefined> {
    const address = this.#config.http.health;
    if (!address) return undefined;
    const { server, port } = await startProbeServer({ ...address, facts });
    return this.#opened(server, `${address.host}:${port}`);
  }

  async openMetrics(render: () => Promise<string>): Promise<string | undefined> {
    const address = this.#config.http.metrics;
    if (!address) return undefined;
    const { server, port } = await startMetricsServer({
      ...address,
      render,
      onFault: (error) =>
        this.#logger.error({ event: 'metrics.failed', err: error }, 'the metrics could not be gathered'),
    });
    return this.#opened(server, `${address.host}:${port}`);
  }

  /** `world` is called only where the admin API is on: it builds the console too. */
  async openAdmin(world: () => AdminWorld): Promise<string | undefined> {
    const { admin, requestTimeoutMs, headersTimeoutMs } = this.#config.http;
    if (!admin) return undefined;
    const app = adminApp(world(), (error) =>
      this.#logger.error({ event: 'admin.fault', err: error }, 'a request failed'),
    );
    const server = createServer({ requestTimeout: requestTimeoutMs, headersTimeout: headersTimeoutMs }, app);
    const port = await listen(server, { ...admin, what: 'the admin API' });
    return this.#opened(server, `${admin.host}:${port}`);
  }

  async close(): Promise<void> {
    await Promise.all(this.#servers.map((server) => closeServer(server, GRACE_MS)));
  }

  #opened(server: Server, address: string): string {
    this.#servers.push(server);
    return address;
  }
}

import { type ConfigInput, type LoadedConfig, loadConfig } from '../../config/load-config.ts';
import { ConfigError } from '../../config/problem.ts';

/** Which parts are ours to start; an option that names a real one leaves ours out. */
export interface Embedded {
  readonly platform: boolean;
  readonly metricsStore: boolean;
  readonly store: boolean;
}

/** Where the parts came to listen. */
export interface Places {
  readonly storeFile: string;
  readonly platformUrl: string | undefined;
  readonly metricsStoreUrl: string | undefined;
}

const QUICK_SCRAPE_MS = 1_000;

/** Everything a newcomer waits for happens within seconds; membership keeps the timings of production. */
const QUICK: Readonly<Record<string, string>> = {
  'timeseries.scrapeInterval': `${QUICK_SCRAPE_MS}ms`,
  'timeseries.settle': '0s',
  'timeseries.timeout': '2s',
  'discovery.interval': '2s',
  'scaling.interval': '2s',
  'scaling.step': '5s',
  'scaling.lookBack': '5m',
  'scaling.catalogueRefresh': '2s',
  'controlPlane.targetsRefresh': '2s',
  'policy.target.window': '10s',
  'policy.stabilisationDown': '30s',
  'policy.idleTimeout': '2m',
};

/** These belong to dev: each replica gets a port of its own behind the one that people open. */
const OURS = ['http.admin', 'member.address'];

/** What was asked for, before any part has an address. Throws ConfigError. */
export class DevSettings {
  readonly embedded: Embedded;
  readonly loaded: LoadedConfig;
  readonly #given: ConfigInput;

  constructor(given: ConfigInput) {
    this.#given = given;
    this.loaded = loadConfig(given);
    this.embedded = {
      platform: !this.#isGiven('controlPlane.url'),
      metricsStore: !this.#isGiven('timeseries.url'),
      store: !this.#isGiven('store.url'),
    };
    for (const key of OURS) this.#refuse(key);
  }

  /** How often our metrics store scrapes. */
  get scrapeIntervalMs(): number {
    return this.#isGiven('timeseries.scrapeInterval')
      ? this.loaded.config.timeseries.scrapeIntervalMs
      : QUICK_SCRAPE_MS;
  }

  /** The configuration of every replica, checked as a whole, and the arguments that say it. Throws ConfigError. */
  replicas(places: Places): { loaded: LoadedConfig; args: (options: { port: number }) => string[] } {
    const { embedded } = this;
    const defaults: Record<string, string> = {
      // What a real store scrapes, and how often, is its own business.
      ...(embedded.metricsStore ? QUICK : {}),
      ...(embedded.platform ? { 'timeseries.profiles': 'platform' } : {}),
      ...(embedded.store ? { 'store.url': `sqlite:${places.storeFile}` } : {}),
      ...(places.platformUrl === undefined ? {} : { 'controlPlane.url': places.platformUrl }),
      ...(places.metricsStoreUrl === undefined ? {} : { 'timeseries.url': places.metricsStoreUrl }),
      'http.health': 'off',
      'http.metrics': '127.0.0.1:0',
      'telemetry.logFormat': 'json',
    };
    const added = Object.entries(defaults)
      .filter(([key]) => !this.#isGiven(key))
      .map(([key, value]) => `${key}=${value}`);
    const { files = [], flags = {} } = this.#given;
    const set = [...(this.#given.set ?? []), ...added];
    const args = [
      ...files.flatMap((file) => ['--config', file]),
      ...set.flatMap((text) => ['--set', text]),
      ...Object.entries(flags).map(([flag, value]) => `--${flag}=${value}`),
    ];
    return {
      loaded: loadConfig({ ...this.#given, set }),
      args: ({ port }) => [...args, `--http-admin=127.0.0.1:${port}`, `--member-address=http://127.0.0.1:${port}`],
    };
  }

  #isGiven(key: string): boolean {
    return this.loaded.effective.some((option) => option.key === key && !option.isDefault);
  }

  #refuse(key: string): void {
    const option = this.loaded.effective.find((each) => each.key === key);
    if (!option || option.isDefault) return;
    throw new ConfigError([
      {
        key,
        value: String(option.value),
        source: option.source,
        says: 'cannot be chosen for starling dev, which gives each replica its own',
        mend: '--port chooses the address that people open; starling autoscale takes this option',
      },
    ]);
  }
}

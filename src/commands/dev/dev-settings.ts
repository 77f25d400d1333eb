import { stringify } from 'yaml';
import { nested } from '../../config/declarations.ts';
import { type ConfigInput, configFiles, givenKeys, type LoadedConfig, loadConfig } from '../../config/load-config.ts';
import { ConfigError } from '../../config/problem.ts';

/** Where the parts listen, and where the file that they share lies. */
export interface Places {
  readonly storeFile: string;
  readonly platformUrl: string;
  readonly metricsStoreUrl: string;
}

/** Everything a newcomer waits for happens within seconds; membership keeps the timings of production. */
const QUICK: Readonly<Record<string, string>> = {
  'timeseries.scrapeInterval': '1s',
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

const PREFACE = `# Written by starling dev at every start: what it sets, unless you say otherwise.
# Other commands see the same with --config and this file.
`;

/** Set by dev alone: each replica gets a port of its own behind the one that people open. */
const RESERVED = ['http.admin', 'member.address'];

/** The options that were given, and what dev adds to them: a configuration file that every other source overrides. */
export class DevSettings {
  /** Which parts are ours to start; an option that names a real one leaves ours out. */
  readonly embedded: Readonly<Record<'platform' | 'metricsStore' | 'store', boolean>>;
  readonly #given: ConfigInput;
  readonly #keys: ReadonlySet<string>;

  /** Throws ConfigError. */
  constructor(given: ConfigInput) {
    this.#given = given;
    this.#keys = givenKeys(given);
    this.embedded = {
      platform: !this.#keys.has('controlPlane.url'),
      metricsStore: !this.#keys.has('timeseries.url'),
      store: !this.#keys.has('store.url'),
    };
    const [taken] = RESERVED.filter((key) => this.#keys.has(key));
    if (taken === undefined) return;
    throw new ConfigError([
      {
        key: taken,
        source: 'flag, environment or file',
        says: 'cannot be chosen for starling dev, which gives each replica its own',
        mend: '--port chooses the address that people open; starling autoscale takes this option',
      },
    ]);
  }

  /** The file as it is written for these places. */
  text({ storeFile, platformUrl, metricsStoreUrl }: Places): string {
    const { embedded } = this;
    const options: Readonly<Record<string, string>> = {
      // What a real store scrapes, and how often, is its own business.
      ...(embedded.metricsStore ? { 'timeseries.url': metricsStoreUrl, ...QUICK } : {}),
      ...(embedded.platform ? { 'timeseries.profiles': 'platform', 'controlPlane.url': platformUrl } : {}),
      ...(embedded.store ? { 'store.url': `sqlite:${storeFile}` } : {}),
      'http.health': 'off',
      'http.metrics': '127.0.0.1:0',
      'telemetry.logFormat': 'json',
    };
    return PREFACE + stringify(nested(Object.entries(options)));
  }

  /** All of it together, as every replica will read it. Throws ConfigError. */
  load(places: Places): LoadedConfig {
    return loadConfig({ ...this.#given, base: { file: 'starling dev', text: this.text(places) } });
  }

  /** What leads another command to the store that was named beside the file; not the environment, which it may have too. */
  get storeArgs(): string[] {
    const { set = [], flags = {} } = this.#given;
    return [
      ...configFiles({ ...this.#given, env: {} }).flatMap((file) => ['--config', quoted(file)]),
      ...set.filter((text) => text.startsWith('store.')).flatMap((text) => ['--set', quoted(text)]),
      ...Object.entries(flags)
        .filter(([flag]) => flag === 'store' || flag.startsWith('store-'))
        .map(([flag, value]) => `--${flag}=${quoted(value)}`),
    ];
  }

  /** The arguments of a replica, where the file lies on disk. */
  argsOf({ file, port }: { file: string; port: number }): string[] {
    const { set = [], flags = {} } = this.#given;
    return [
      ...[file, ...configFiles(this.#given)].flatMap((each) => ['--config', each]),
      ...set.flatMap((text) => ['--set', text]),
      ...Object.entries(flags).map(([flag, value]) => `--${flag}=${value}`),
      `--http-admin=127.0.0.1:${port}`,
      `--member-address=http://127.0.0.1:${port}`,
    ];
  }
}

/** As a shell takes it for one word. */
function quoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

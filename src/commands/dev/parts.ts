import { readFileSync } from 'node:fs';
import { systemClock } from '../../adapters/system/clock.ts';
import type { LoadedConfig } from '../../config/load-config.ts';
import { printableLine } from '../../lib/printable.ts';
import { systemRandom } from '../../lib/random.ts';
import { type MetricsStore, openMetricsStore } from '../../metrics-store/open-metrics-store.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { VERSION } from '../../wiring/version.ts';
import { openConsoleProxy } from './console-proxy.ts';
import type { DataFolder } from './data-folder.ts';
import type { DevSettings, Places } from './dev-settings.ts';
import { type EmbeddedPlatform, startPlatform } from './embedded-platform.ts';
import type { LiveArea } from './live-area.ts';
import { HOST, type PortPlan } from './port-plan.ts';
import { Replicas } from './replicas.ts';
import { screen } from './screen.ts';
import { waitingFor, whyUnreachable } from './start-hints.ts';

/** Ctrl-C: replicas hand over within this, */
const HAND_OVER_MS = 1_200;
/** then calls under way get this. */
const CALLS_GRACE_MS = 250;
/** After this the screen says what the start waits for. */
const SLOW_START_MS = 8_000;

export interface PartsOptions {
  readonly settings: DevSettings;
  /** As it will be, but for ports that the system chooses. */
  readonly planned: LoadedConfig;
  readonly replicas: number;
  readonly isDemo: boolean;
  readonly folder: DataFolder;
  readonly ports: PortPlan;
  readonly logger: Logger;
  readonly area: LiveArea;
  /** What has to be typed for `starling` here. */
  readonly command: string;
}

/** What runs, in the order in which it was started. */
export class Parts {
  readonly replicas: Replicas;
  readonly #options: PartsOptions;
  readonly #open: { stop: () => Promise<void> }[] = [];

  constructor(options: PartsOptions) {
    this.#options = options;
    this.replicas = new Replicas({ say: (text) => options.area.say(text) });
  }

  /** Rejects with the fault of the part that does not start. */
  async start(
    signal: AbortSignal,
  ): Promise<{ consoleUrl: string; platformUrl: string | undefined; loaded: LoadedConfig }> {
    const { settings, folder, ports, logger, area, isDemo, command, replicas: count } = this.#options;
    const { embedded } = settings;
    const { isUsed } = folder;
    area.show(['starting the platform …']);
    const platform = embedded.platform ? await this.#startPlatform() : undefined;
    signal.throwIfAborted();
    area.show(['starting the metrics store …']);
    const metricsStore = embedded.metricsStore ? await this.#startMetricsStore(platform) : undefined;
    const places = {
      ...placesOf(folder, ports),
      ...(platform ? { platformUrl: platform.url } : {}),
      ...(metricsStore ? { metricsStoreUrl: metricsStore.url } : {}),
    };
    const loaded = settings.load(places);
    folder.writeSettings(settings.text(places));
    await this.#makeTables(loaded);
    signal.throwIfAborted();
    const { replicas } = this;
    const door = await openConsoleProxy({ port: ports.console, behind: () => replicas.servingPort });
    this.#open.push(door);
    void this.#reportUnreachable(loaded, signal);
    area.show([`starting ${count === 1 ? 'the autoscaler' : `${count} autoscalers`} …`]);
    const cancelHint = systemClock.after(SLOW_START_MS, () => {
      const log = `${folder.path}/log/autoscaler-1.log`;
      for (const each of waitingFor(readFileSync(log, 'utf8'))) area.say(printableLine(`waiting for ${each}`));
      area.say(`The autoscaler takes long to start; its log: ${log}`);
    });
    try {
      const argsOf = ({ port }: { port: number }) => settings.argsOf({ file: folder.settingsFile, port });
      await replicas.start({ count, folder, argsOf });
    } finally {
      cancelHint();
    }
    signal.throwIfAborted();
    for (const { number, metricsUrl, ended } of replicas.living) {
      if (!metricsStore || metricsUrl === undefined) continue;
      await metricsStore.addTarget({ url: metricsUrl, job: 'autoscaler', instance: `replica-${number}` });
      void ended.then(() => metricsStore.removeTarget(metricsUrl));
    }
    logger.info({ event: 'dev.started', replicas: count }, 'running');
    const consoleUrl = `http://${HOST}:${door.port}`;
    const { config } = loaded;
    area.clear();
    area.say(
      screen({
        version: VERSION,
        consoleUrl,
        platformUrl: platform?.url,
        controlPlane: config.controlPlane.url,
        timeseries: config.timeseries.url,
        hasMetricsStore: embedded.metricsStore,
        store: embedded.store ? undefined : config.store.url,
        dialects: platform?.dialects ?? [],
        replicas: replicas.living.map(({ number, pid }) => ({ number, pid })),
        functions: platform?.functions,
        dataFolder: folder.path,
        isUsed,
        isDemo,
        command,
      }),
    );
    return { consoleUrl, platformUrl: platform?.url, loaded };
  }

  /** The replicas first, so that none of them sees the others go. */
  async stop(): Promise<void> {
    await this.replicas.stop({ clock: systemClock, graceMs: HAND_OVER_MS });
    for (const part of this.#open.reverse()) await part.stop();
  }

  async #startPlatform(): Promise<EmbeddedPlatform> {
    const { planned, folder, ports, logger } = this.#options;
    const platform = await startPlatform({
      dataDir: folder.path,
      port: ports.platform,
      areDialectPortsFixed: ports.platform !== 0,
      allowedHosts: planned.config.http.allowedHosts,
      env: process.env,
      clock: systemClock,
      random: systemRandom,
      logger,
    });
    this.#open.push({ stop: () => platform.stop({ graceMs: CALLS_GRACE_MS }) });
    return platform;
  }

  /** It scrapes the platform, or the control plane that is used instead. */
  async #startMetricsStore(platform: EmbeddedPlatform | undefined): Promise<MetricsStore> {
    const { ports, planned, logger } = this.#options;
    const { timeseries, controlPlane } = planned.config;
    const store = await openMetricsStore({
      address: { host: HOST, port: ports.metricsStore },
      targets: [{ url: new URL('/metrics', platform?.url ?? controlPlane.url).href, job: 'platform' }],
      scrapeIntervalMs: timeseries.scrapeIntervalMs,
      clock: systemClock,
      random: systemRandom,
      logger: logger.child({ module: 'metrics-store' }),
      version: VERSION,
    });
    this.#open.push(store);
    return store;
  }

  /** Says which of the real ones that were named cannot be reached. They may come up later; nothing is restarted then. */
  async #reportUnreachable({ config }: LoadedConfig, signal: AbortSignal): Promise<void> {
    const { settings, area } = this.#options;
    const { metricsStore, platform } = settings.embedded;
    const named = [
      ...(metricsStore ? [] : [{ url: config.timeseries.url, so: 'the autoscaler waits for it' }]),
      ...(platform ? [] : [{ url: config.controlPlane.url, so: 'nothing scales until it answers' }]),
    ];
    for (const { url, so } of named) {
      const why = await whyUnreachable(url, signal);
      if (why !== undefined && !signal.aborted) area.say(`${url}: ${why}; ${so}`);
    }
  }

  /** SQLite makes its own tables; those of Cassandra are made here. */
  async #makeTables(loaded: LoadedConfig): Promise<void> {
    if (loaded.config.storeTarget.kind !== 'cassandra') return;
    const { area } = this.#options;
    const show = (line: string) => area.show([`making the tables … ${line}`]);
    show('');
    const { migrateStore } = await import('../../wiring/migrate-store.ts');
    const { report } = await migrateStore(loaded, { isDryRun: false, say: show });
    for (const warning of report.warnings) area.say(`warning: ${warning}`);
  }
}

export function placesOf({ storeFile }: DataFolder, ports: PortPlan): Places {
  return {
    storeFile,
    platformUrl: `http://${HOST}:${ports.platform}`,
    metricsStoreUrl: `http://${HOST}:${ports.metricsStore}`,
  };
}

import { readFileSync } from 'node:fs';
import { relative } from 'node:path';
import pino from 'pino';
import { systemClock } from '../../adapters/system/clock.ts';
import type { ConfigInput, LoadedConfig } from '../../config/load-config.ts';
import { printableLine } from '../../lib/printable.ts';
import { systemRandom } from '../../lib/random.ts';
import { type MetricsStore, openMetricsStore } from '../../metrics-store/open-metrics-store.ts';
import { createLogs, type Logger } from '../../telemetry/logger.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { endOnCrash } from '../process-life.ts';
import { AdminClient } from '../remote/admin-client.ts';
import { listenForStop } from '../stop-signals.ts';
import { VERSION } from '../version.ts';
import { type DataFolder, prepareDataFolder } from './data-folder.ts';
import { runDemo } from './demo/run-demo.ts';
import { DevSettings, type Places } from './dev-settings.ts';
import { type EmbeddedPlatform, startPlatform } from './embedded-platform.ts';
import { FrontDoor } from './front-door.ts';
import { LiveArea } from './live-area.ts';
import { HOST, type PortPlan, portPlan, refuseTakenPorts } from './port-plan.ts';
import { PartFault, Replicas } from './replicas.ts';
import { screen } from './screen.ts';
import { waitingFor } from './waiting-for.ts';
import { whyUnreachable } from './why-unreachable.ts';

/** Ctrl-C: replicas hand over within this, */
const HAND_OVER_MS = 1_200;
/** then calls under way get this, */
const CALLS_GRACE_MS = 250;
/** and after this everything is ended, whatever hangs. */
const STOP_WITHIN_MS = 1_900;
/** Who waits for longer than this wants to know for what. */
const SLOW_START_MS = 8_000;

const COMMAND = import.meta.url.endsWith('.ts') ? 'npx starling' : 'starling';

export interface DevOptions {
  readonly port: number;
  readonly dataDir: string;
  readonly replicas: number;
  readonly isDemo: boolean;
  readonly demoPace: 'normal' | 'quick';
}

/** Starts the parts in order, shows one screen, and runs until SIGTERM or SIGINT. Rejects with a start-up fault. */
export async function runDev(given: ConfigInput, options: DevOptions): Promise<ExitCode> {
  // The replicas and the platform's instances end with this process, however it ends.
  const signals = listenForStop({ clock: systemClock, onSecond: () => process.exit(EXIT.interrupted) });
  const settings = new DevSettings(given);
  const folder = prepareDataFolder(options.dataDir);
  const ports = portPlan(options.port);
  const planned = settings.load(placesOf(folder, ports));
  refuseNonsense(settings, planned, options);
  await refuseTakenPorts(portsOf(settings, ports));
  const logger = openLogger(folder);
  endOnCrash((error) => {
    logger.fatal({ event: 'dev.crashed', err: error }, 'nobody caught this; ending');
    process.stderr.write(
      `starling: ${error instanceof Error ? error.message : String(error)}; see ${folder.path}/log\n`,
    );
  });

  const area = new LiveArea(process.stdout);
  const stopping = new AbortController();
  const parts = new Parts({ settings, planned, options, folder, ports, logger, area });
  let fault: unknown;
  const failed = Promise.withResolvers<void>();
  const running = parts.start(stopping.signal).then(async ({ consoleUrl, platformUrl, loaded }) => {
    if (!options.isDemo || platformUrl === undefined) return;
    await runDemo({
      platformUrl,
      admin: new AdminClient({ url: consoleUrl, token: tokenOf(loaded), signal: stopping.signal }),
      pace: options.demoPace,
      area,
      clock: systemClock,
      signal: stopping.signal,
      explain: (versionId) =>
        [COMMAND, 'explain', versionId, '--config', shortest(folder.settingsFile), ...settings.storeArgs].join(' '),
      pageOf: (versionId) => `${consoleUrl}/#/functions/${encodeURIComponent(versionId)}`,
    });
  });
  running.catch((error: unknown) => {
    if (stopping.signal.aborted) return;
    fault = error;
    failed.resolve();
  });
  await Promise.race([signals.asked, failed.promise, parts.replicas.allGone]);

  area.clear();
  if (signals.isAsked()) area.say('Stopping …');
  stopping.abort();
  // Whatever hangs is ended with the process.
  const cancelExit = systemClock.after(STOP_WITHIN_MS, () => process.exit(fault === undefined ? EXIT.ok : EXIT.failed));
  await parts.stop();
  cancelExit();
  if (fault !== undefined) throw fault;
  if (!signals.isAsked()) return EXIT.failed;
  area.say(`Stopped. The data is in ${folder.path}`);
  return EXIT.ok;
}

/** What runs, in the order in which it was started. */
class Parts {
  readonly replicas: Replicas;
  readonly #options: ConstructorParameters<typeof Parts>[0];
  readonly #open: { stop: () => Promise<void> }[] = [];

  constructor(options: {
    settings: DevSettings;
    /** As it will be, but for ports that the system chooses. */
    planned: LoadedConfig;
    options: DevOptions;
    folder: DataFolder;
    ports: PortPlan;
    logger: Logger;
    area: LiveArea;
  }) {
    this.#options = options;
    this.replicas = new Replicas({ say: (text) => options.area.say(text) });
  }

  /** Rejects with the fault of the part that does not start. */
  async start(
    signal: AbortSignal,
  ): Promise<{ consoleUrl: string; platformUrl: string | undefined; loaded: LoadedConfig }> {
    const { settings, options, folder, ports, logger, area } = this.#options;
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
    const door = await FrontDoor.open({ port: ports.console, behind: () => replicas.servingPort });
    this.#open.push({ stop: () => door.close() });
    void this.#tellAbsent(loaded, signal);
    area.show([`starting ${options.replicas === 1 ? 'the autoscaler' : `${options.replicas} autoscalers`} …`]);
    const cancelHint = systemClock.after(SLOW_START_MS, () => {
      const log = `${folder.path}/log/autoscaler-1.log`;
      for (const each of waitingFor(readFileSync(log, 'utf8'))) area.say(printableLine(`waiting for ${each}`));
      area.say(`The autoscaler takes long to start; its log: ${log}`);
    });
    try {
      const argsOf = ({ port }: { port: number }) => settings.argsOf({ file: folder.settingsFile, port });
      await replicas.start({ count: options.replicas, folder, argsOf });
    } finally {
      cancelHint();
    }
    signal.throwIfAborted();
    for (const { number, metricsUrl, ended } of replicas.living) {
      if (!metricsStore || metricsUrl === undefined) continue;
      await metricsStore.addTarget({ url: metricsUrl, job: 'autoscaler', instance: `replica-${number}` });
      void ended.then(() => metricsStore.removeTarget(metricsUrl));
    }
    logger.info({ event: 'dev.started', replicas: options.replicas }, 'running');
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
        isDemo: options.isDemo,
        command: COMMAND,
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

  /** It scrapes the platform, or what stands in its place. */
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
    this.#open.push({ stop: () => store.stop() });
    return store;
  }

  /** Of the real ones that were named, who cannot be met. They may come up later, and nothing has to be started anew then. */
  async #tellAbsent({ config }: LoadedConfig, signal: AbortSignal): Promise<void> {
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

  /** SQLite makes its own; in Cassandra somebody has to. */
  async #makeTables(loaded: LoadedConfig): Promise<void> {
    if (loaded.config.storeTarget.kind !== 'cassandra') return;
    const { area } = this.#options;
    const show = (line: string) => area.show([`making the tables … ${line}`]);
    show('');
    const { migrateStore } = await import('../migrate-store.ts');
    const { report } = await migrateStore(loaded, { isDryRun: false, say: show });
    for (const warning of report.warnings) area.say(`warning: ${warning}`);
  }
}

function portsOf({ embedded }: DevSettings, ports: PortPlan): { what: string; port: number }[] {
  return [
    { what: 'the console', port: ports.console },
    ...(embedded.platform ? [{ what: 'the platform', port: ports.platform }] : []),
    ...(embedded.metricsStore ? [{ what: 'the metrics store', port: ports.metricsStore }] : []),
  ];
}

/** The one that the replicas ask for, where one was configured. */
function tokenOf({ config }: LoadedConfig): string | undefined {
  const { file, inline } = config.http.adminToken;
  return file === undefined ? inline?.reveal() : readFileSync(file, 'utf8').trim();
}

function placesOf({ storeFile }: DataFolder, ports: PortPlan): Places {
  return {
    storeFile,
    platformUrl: `http://${HOST}:${ports.platform}`,
    metricsStoreUrl: `http://${HOST}:${ports.metricsStore}`,
  };
}

/** As somebody in this folder would type it. */
function shortest(path: string): string {
  const fromHere = relative(process.cwd(), path);
  return fromHere.length < path.length ? fromHere : path;
}

/** What could never do what was asked for. */
function refuseNonsense({ embedded }: DevSettings, planned: LoadedConfig, { isDemo, replicas }: DevOptions): void {
  if (isDemo && !embedded.platform) {
    throw new PartFault('--demo drives the platform that dev starts itself; leave out --control-plane');
  }
  if (replicas > 1 && planned.config.storeTarget.kind === 'memory') {
    throw new PartFault('a store in memory belongs to one process: leave out --store, or ask for one replica');
  }
}

/** The terminal belongs to the screen; what the parts say goes into a file. */
function openLogger(folder: DataFolder): Logger {
  const { descriptor } = folder.openLog('dev');
  return createLogs({
    level: 'info',
    format: 'json',
    serviceName: 'starling-dev',
    version: VERSION,
    destination: pino.destination({ fd: descriptor, sync: true }),
  }).root;
}

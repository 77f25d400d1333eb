import { hostname } from 'node:os';
import type { Logger } from 'pino';
import type { LoadedConfig } from '../config/load-config.ts';
import { Secrets } from '../config/secrets.ts';
import type { Clock } from '../lib/clock.ts';
import { Autoscaler } from '../loops/autoscaler.ts';
import type { Store } from '../ports/store.ts';
import { startTelemetry, type Telemetry } from '../telemetry/start-telemetry.ts';
import { adminWorld } from './admin-world.ts';
import type { ConnectionTools } from './connection-tools.ts';
import type { ControlPlane } from './control-plane.ts';
import { Dependencies } from './dependencies.ts';
import { openConsole } from './open-console.ts';
import { openControlPlane } from './open-control-plane.ts';
import { openTimeseries, type Timeseries } from './open-timeseries.ts';
import { ServiceListeners } from './service-listeners.ts';
import { functionSeries, secretEvents } from './service-telemetry.ts';
import { VERSION } from './version.ts';

/** For the last metrics and spans; a collector that hangs must not hold the process. */
const TELEMETRY_GRACE_MS = 1_500;
/** Beside the drain itself: two beats and the release of the duty. */
const HAND_OVER_MS = 2_000;

type ServiceTools = Pick<ConnectionTools, 'clock' | 'random'>;

/** Where the running service answers; ports as they came out when 0 was asked for. */
export interface ServiceAddresses {
  readonly health: string | undefined;
  readonly metrics: string | undefined;
  readonly admin: string | undefined;
}

/**
 * The autoscaler as a process: probes and metrics first, so that an operator can see what it waits for; then what it
 * depends on; then the loops.
 */
export class Service {
  readonly #loaded: LoadedConfig;
  readonly #tools: ServiceTools;
  readonly #memberId: string;
  readonly #telemetry: Telemetry;
  readonly #logger: Logger;
  readonly #secrets: Secrets;
  readonly #dependencies: Dependencies;
  readonly #stopping = new AbortController();
  readonly #listeners: ServiceListeners;
  readonly #startedMs: number;
  #autoscaler: Autoscaler | undefined;
  #store: Store | undefined;

  static async create(loaded: LoadedConfig, tools: ServiceTools): Promise<Service> {
    const { config } = loaded;
    const memberId = `${config.member.idPrefix ?? hostname()}/${tools.random.uuid()}`;
    const telemetry = await startTelemetry({ version: VERSION, memberId, settings: config.telemetry });
    return new Service(loaded, tools, memberId, telemetry);
  }

  private constructor(loaded: LoadedConfig, tools: ServiceTools, memberId: string, telemetry: Telemetry) {
    this.#loaded = loaded;
    this.#tools = tools;
    this.#memberId = memberId;
    this.#telemetry = telemetry;
    this.#logger = telemetry.logger;
    const { clock } = tools;
    this.#startedMs = clock.wallMs();
    const { meters, logs } = telemetry;
    this.#secrets = new Secrets({ clock, onEvent: secretEvents(logs.of('secrets'), meters, clock) });
    this.#dependencies = new Dependencies({ clock, logger: this.#logger, meters, stopping: this.#stopping.signal });
    this.#listeners = new ServiceListeners(loaded.config, this.#logger);
    meters.set('starling_config_info', 1, { hash: loaded.hash });
  }

  /** Resolves once the loops run. */
  async start(): Promise<ServiceAddresses> {
    const { config, warnings } = this.#loaded;
    for (const warning of warnings) this.#logger.warn({ event: 'config.warning' }, warning);
    const health = await this.#listeners.openHealth(() => ({
      isStopping: this.#stopping.signal.aborted,
      isStarted: this.#autoscaler !== undefined,
      hungLoops: (this.#autoscaler?.loops() ?? []).filter((loop) => loop.isHung).map((loop) => loop.name),
      awaited: this.#dependencies.awaited(),
      dependencies: this.#dependencies.health(),
    }));
    const metrics = await this.#listeners.openMetrics(() => this.#telemetry.render());
    this.#logger.info(
      { event: 'service.starting', member: this.#memberId, config: this.#loaded.hash, health, metrics },
      'starting',
    );

    // A missing file is reported before anything is waited for.
    const token = config.http.admin && this.#secrets.secret('http.adminToken', config.http.adminToken);
    const timeseries = await openTimeseries(config, this.#openTools('timeseries'));
    const controlPlane = openControlPlane(config, this.#openTools('control-plane'));
    const store = await this.#dependencies.openStore(config, this.#openTools('store'));
    this.#store = store;
    await this.#dependencies.awaitTimeseries(timeseries);
    const autoscaler = this.#build(store, timeseries, controlPlane);
    this.#autoscaler = autoscaler;
    const { logs } = this.#telemetry;
    const admin = await this.#listeners.openAdmin(() =>
      adminWorld({
        loaded: this.#loaded,
        memberId: this.#memberId,
        startedMs: this.#startedMs,
        store,
        autoscaler,
        targets: controlPlane.targets,
        token,
        clock: this.#tools.clock,
        logger: logs.of('admin'),
        dependencies: () => this.#dependencies.health(),
        stopping: this.#stopping.signal,
        console: openConsole({ logger: logs.of('console'), signal: this.#stopping.signal }),
      }),
    );
    this.#dependencies.watch(store, timeseries, controlPlane);
    this.#telemetry.setFunctionSeries(() => functionSeries(autoscaler, controlPlane.targets));
    // Stopped while it was still starting: what was closed meanwhile must not be started.
    this.#stopping.signal.throwIfAborted();
    autoscaler.start();
    this.#logger.info({ event: 'service.started', admin }, 'running');
    return { health, metrics, admin };
  }

  /** Hands over and closes everything; also in the middle of starting. */
  async stop(): Promise<void> {
    if (this.#stopping.signal.aborted) return;
    const { clock } = this.#tools;
    const beganMs = clock.monotonicMs();
    this.#stopping.abort(new Error('the service is stopping'));
    this.#logger.info({ event: 'service.stopping' }, 'handing over');
    // The check may be waiting for an answer; the others are not to wait for it. What hangs is left behind: its claims stay
    // pending, and the next owner goes on from there.
    await settledWithin(Promise.all([this.#autoscaler?.stop(), this.#dependencies.stop()]), {
      clock,
      afterMs: this.#loaded.config.shutdown.drainMs + HAND_OVER_MS,
    });
    const handedOverMs = clock.monotonicMs() - beganMs;
    await this.#store?.close();
    this.#secrets.close();
    await this.#listeners.close();
    this.#logger.info({ event: 'service.stopped', handedOverMs: Math.round(handedOverMs) }, 'stopped');
    await settledWithin(this.#telemetry.shutdown(), { clock, afterMs: TELEMETRY_GRACE_MS });
  }

  /** The last line of the log of a process that cannot go on. */
  logCrash(error: unknown): void {
    this.#logger.fatal({ event: 'service.crashed', err: error }, 'nobody caught this; ending, and others take over');
  }

  #openTools(module: string) {
    const { clock, random } = this.#tools;
    const { meters, logs } = this.#telemetry;
    return { secrets: this.#secrets, clock, random, meters, logger: logs.of(module) };
  }

  #build(store: Store, { reader, fadeMs }: Timeseries, controlPlane: ControlPlane): Autoscaler {
    const { config } = this.#loaded;
    const { clock, random } = this.#tools;
    const { meters, logs } = this.#telemetry;
    return new Autoscaler({
      memberId: this.#memberId,
      version: VERSION,
      address: config.member.address ?? '',
      weight: config.member.weight,
      store,
      reader,
      targets: controlPlane.targets,
      actuator: controlPlane.actuator,
      clock,
      random,
      logger: logs.of('scaling'),
      meters,
      settings: { ...config, fadeMs },
      onMembersChanged: (count) => controlPlane.shareRate(count),
    });
  }
}

/** Waits for the end of something, but no longer than this. */
async function settledWithin(work: Promise<unknown>, options: { clock: Clock; afterMs: number }): Promise<void> {
  const { promise: late, resolve } = Promise.withResolvers<void>();
  const cancel = options.clock.after(options.afterMs, resolve);
  await Promise.race([work, late]);
  cancel();
}

import { join } from 'node:path';
import type { Logger } from 'pino';
import type { Clock } from '../lib/clock.ts';
import type { Random } from '../lib/random.ts';
import { builtins } from './builtin/builtins.ts';
import { ControlPlane } from './control-plane/control-plane.ts';
import { Deployer } from './control-plane/deployer.ts';
import { StartWatch } from './control-plane/start-watch.ts';
import type { Dialect, DialectTools, OpenDialect } from './dialects/dialect.ts';
import { nativeDialect } from './dialects/native/native-dialect.ts';
import { routeListener } from './dialects/route-listener.ts';
import { type ListenAddress, type Listener, serve } from './dialects/serve.ts';
import { CallLog } from './metrics/call-log.ts';
import { CallMeter } from './metrics/call-meter.ts';
import type { VersionRecord } from './model/function-record.ts';
import type { Invoker } from './model/invocation.ts';
import type { PoolEvent, PoolListener } from './model/pool-event.ts';
import type { Pools } from './model/pool-snapshot.ts';
import { logPoolEvent } from './pool/pool-context.ts';
import { openProfiling, type Profiling, type ProfilingSettings } from './profiling/open-profiling.ts';
import { Registry } from './registry/registry.ts';
import { childCaller } from './router/child-call.ts';
import { type EngineOptions, openEngine } from './router/open-engine.ts';
import type { InstanceBackend } from './runtime/instance-backend.ts';
import type { InstanceRecordings } from './runtime/instance-recordings.ts';
import type { ProcessBackendOptions } from './runtime/process/backend-options.ts';
import { ProcessBackend } from './runtime/process/process-backend.ts';
import { TriggerService } from './triggers/trigger-service.ts';

/** Pools and router. */
export interface Engine {
  readonly invoker: Invoker;
  readonly pools: Pools;
  /** Takes no more calls, lets those under way end for `graceMs`, then ends every process. */
  stop(options: { graceMs: number }): Promise<void>;
}

export interface PlatformOptions {
  /** The folder of the registry; `:memory:` keeps nothing. */
  readonly dataDir: string;
  /** Undefined: without the platform's own port. */
  readonly native: ListenAddress | undefined;
  readonly dialects: readonly Dialect[];
  /** Host headers that ports on loopback answer to, beside addresses and localhost; lower case, without port. */
  readonly allowedHosts?: readonly string[];
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly version: string;
  readonly backend?: Omit<ProcessBackendOptions, 'clock' | 'codeOf' | 'nameOf' | 'recordings'>;
  readonly engine?: Omit<
    EngineOptions,
    'clock' | 'random' | 'backend' | 'directory' | 'listener' | 'nameInstance' | 'callChild'
  >;
  /** Instead of processes of this machine. */
  readonly openBackend?: (registry: Registry) => InstanceBackend;
  /** Instead of the pools and the router. */
  readonly openEngine?: (tools: { registry: Registry; backend: InstanceBackend }) => Engine;
  /** How long a wish holds after the autoscaler's last request. */
  readonly wishTtlMs?: number;
  readonly payloadMaxBytes?: number;
  /** Undefined: nothing can be profiled, and nothing is prepared for it. */
  readonly profiling?: ProfilingSettings | undefined;
  /** On every series, such as the environment. */
  readonly metricLabels?: Readonly<Record<string, string>>;
}

const DEFAULTS = { wishTtlMs: 300_000, payloadMaxBytes: 6 * 2 ** 20 };
/** For answers that are being written when everything else has ended. */
const LAST_ANSWERS_MS = 250;
/** For the last profiles to be pushed. */
const LAST_PROFILES_MS = 2_000;

/** A function platform in this process: registry, instances, pools, and the ports on which it is spoken to. */
export class Platform {
  readonly registry: Registry;
  readonly engine: Engine;
  /** How memory of instances is limited here. */
  readonly memoryLimit: InstanceBackend['memoryLimit'];
  readonly #options: PlatformOptions;
  readonly #controlPlane: ControlPlane;
  readonly #deployer: Deployer;
  readonly #triggers: TriggerService;
  readonly #profiling: Profiling | undefined;
  readonly #poolListeners = new Set<PoolListener>();
  readonly #closeBackend: () => Promise<void>;
  readonly #dialects: { readonly name: string; readonly address: ListenAddress; readonly dialect: OpenDialect }[] = [];
  readonly #listeners: Listener[] = [];
  #state: 'starting' | 'ready' | 'stopping' | 'stopped' = 'starting';
  #stopped: Promise<void> | undefined;

  /** Nothing listens yet. Throws a RegistryFileError when the data folder cannot be used. */
  constructor(options: PlatformOptions) {
    this.#options = options;
    const { clock, random, logger, wishTtlMs, payloadMaxBytes } = { ...DEFAULTS, ...options };
    const path = options.dataDir === ':memory:' ? ':memory:' : join(options.dataDir, 'platform.sqlite');
    const registry = new Registry({ path, clock, random });
    this.registry = registry;
    const poolWaits = () => poolWaitsOf(registry, this.engine.pools);
    this.#profiling = options.profiling && openProfiling({ ...options.profiling, clock, random, logger, poolWaits });

    const backend = options.openBackend?.(registry) ?? openProcesses(registry, options, this.#profiling?.recordings);
    this.memoryLimit = backend.memoryLimit;
    this.#closeBackend = async () => (backend instanceof ProcessBackend ? backend.close() : undefined);
    const starts = new StartWatch(backend);
    this.engine =
      options.openEngine?.({ registry, backend: starts }) ??
      openEngine({
        ...options.engine,
        clock,
        random,
        backend: starts,
        directory: registry,
        listener: (event) => this.#onPoolEvent(event),
        nameInstance: (version) => this.#nameInstance(version) ?? random.uuid(),
        // Counted as every other call is.
        callChild: childCaller({ names: registry, invoker: () => meter }),
      });
    const { invoker, pools } = this.engine;

    const log = new CallLog(clock);
    const meter: CallMeter = new CallMeter({ inner: invoker, clock, log });
    const warm = (versionId: string) => this.#deployer.haveOneReady(versionId);
    const triggers = new TriggerService({ registry, invoker: meter, clock, random, logger, warm });
    this.#triggers = triggers;
    this.#deployer = new Deployer({ registry, pools, meter, starts, logger });
    this.#controlPlane = new ControlPlane({ registry, pools, starts, clock, wishTtlMs });

    const tools: DialectTools = {
      registry,
      invoker: meter,
      pools,
      meter,
      log,
      triggers,
      onPoolEvent: (listener) => void this.#poolListeners.add(listener),
      clock,
      random,
      logger,
      payloadMaxBytes,
      profilePages: this.#profiling?.onRequest,
    };
    const own = {
      starts,
      controlPlane: this.#controlPlane,
      deployer: this.#deployer,
      isReady: () => this.#state === 'ready',
      version: options.version,
      metricLabels: options.metricLabels ?? {},
    };
    const native = options.native && {
      name: 'native',
      address: options.native,
      open: () => nativeDialect({ ...tools, ...own }),
    };
    for (const { name, address, open } of [...(native ? [native] : []), ...options.dialects]) {
      this.#dialects.push({ name, address, dialect: open(tools) });
    }
  }

  /** Resolves once every port is open; rejects with a ListenError, and then nothing is left open. */
  async start(): Promise<readonly { readonly name: string; readonly url: string }[]> {
    const { allowedHosts = [] } = this.#options;
    try {
      for (const { name, address, dialect } of this.#dialects) {
        const onRequest = routeListener(dialect, { boundHost: address.host, allowedHosts });
        this.#listeners.push(await serve(name, address, { onRequest }));
      }
    } catch (error) {
      await this.stop({ graceMs: 0 });
      throw error;
    }
    this.#state = 'ready';
    for (const { versionId, status, pool } of this.registry.versions()) {
      if (status === 'ACTIVE' && pool.instancesMin > 0) this.engine.pools.refresh(versionId);
    }
    this.#controlPlane.restoreWishes();
    this.#deployer.resume();
    this.#triggers.start();
    for (const [index, { dialect }] of this.#dialects.entries()) dialect.started?.(this.#listeners[index]?.url ?? '');
    return this.#listeners.map(({ name, url }) => ({ name, url }));
  }

  /** Drains for `graceMs`, then kills; leaves no process behind. Called twice, it stops once. */
  stop({ graceMs }: { graceMs: number }): Promise<void> {
    this.#stopped ??= this.#stop(graceMs);
    return this.#stopped;
  }

  async #stop(graceMs: number): Promise<void> {
    const { clock, logger } = this.#options;
    this.#state = 'stopping';
    const beganMs = clock.monotonicMs();
    await Promise.all([
      ...this.#dialects.map(({ dialect }) => dialect.stop?.()),
      this.#profiling?.stop({ graceMs: Math.min(graceMs, LAST_PROFILES_MS) }),
    ]);
    // From here on no new caller comes in, and every caller that is in gets an answer.
    const closed = this.#listeners.map((listener) => listener.close(graceMs + LAST_ANSWERS_MS));
    await Promise.all([this.engine.stop({ graceMs }), this.#deployer.stop(), this.#triggers.stop()]);
    await Promise.all([...closed, this.#closeBackend()]);
    this.registry.close();
    this.#state = 'stopped';
    const tookMs = Math.round(clock.monotonicMs() - beganMs);
    logger.info({ event: 'platform.stopped', tookMs }, 'stopped');
  }

  #onPoolEvent(event: PoolEvent): void {
    logPoolEvent(this.#options.logger, event);
    for (const listener of this.#poolListeners) listener(event);
  }

  #nameInstance(version: VersionRecord): string | undefined {
    for (const { dialect } of this.#dialects) {
      const name = dialect.nameInstance?.(version);
      if (name !== undefined) return name;
    }
    return undefined;
  }
}

function openProcesses(
  registry: Registry,
  { clock, backend }: PlatformOptions,
  recordings: InstanceRecordings | undefined,
): ProcessBackend {
  return new ProcessBackend({
    builtinFile: (name) => builtins.get(name)?.file,
    ...backend,
    recordings,
    clock,
    codeOf: (version) => registry.codeOf(version),
    nameOf: ({ functionId }) => registry.find(functionId)?.name ?? functionId,
  });
}

function* poolWaitsOf(registry: Registry, pools: Pools) {
  for (const { versionId, waits, waitedSeconds } of pools.snapshots()) {
    const functionId = registry.version(versionId)?.functionId;
    const functionName = (functionId && registry.find(functionId)?.name) ?? versionId;
    yield { functionName, waits, waitedSeconds };
  }
}

import { join } from 'node:path';
import type { Logger } from 'pino';
import type { Clock } from '../lib/clock.ts';
import type { Random } from '../lib/random.ts';
import { builtins } from './builtin/builtins.ts';
import { ControlPlane } from './control-plane/control-plane.ts';
import { Deployer } from './control-plane/deployer.ts';
import { followChange } from './control-plane/follow-change.ts';
import { StartWatch } from './control-plane/start-watch.ts';
import type { Dialect, DialectTools, OpenDialect } from './dialects/dialect.ts';
import { guardHost } from './dialects/host-guard.ts';
import { NativeApi } from './dialects/native/native-api.ts';
import { nativeDialect, refuseHost } from './dialects/native/native-dialect.ts';
import { type ListenAddress, type Listener, serve } from './dialects/serve.ts';
import { CallLog } from './metrics/call-log.ts';
import { CallMeter } from './metrics/call-meter.ts';
import { Invariants } from './metrics/invariants.ts';
import { platformPage } from './metrics/platform-page.ts';
import type { VersionRecord } from './model/function-record.ts';
import type { Invoker } from './model/invocation.ts';
import type { PoolListener } from './model/pool-event.ts';
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
  /** Where the registry lies; `:memory:` keeps nothing. */
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
  /** How long a wish holds after the autoscaler was last heard of. */
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
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #controlPlane: ControlPlane;
  readonly #deployer: Deployer;
  readonly #triggers: TriggerService;
  readonly #poolListeners = new Set<PoolListener>();
  readonly #closeBackend: () => Promise<void>;
  readonly #open: { readonly name: string; readonly address: ListenAddress; readonly dialect: OpenDialect }[] = [];
  readonly #listeners: Listener[] = [];
  readonly #allowedHosts: readonly string[];
  readonly #profiling: Profiling | undefined;
  #state: 'starting' | 'ready' | 'stopping' | 'stopped' = 'starting';
  #stopped: Promise<void> | undefined;

  /** Nothing listens yet. Throws a RegistryFileError when the data folder cannot be used. */
  constructor(options: PlatformOptions) {
    const { clock, random, logger, wishTtlMs, payloadMaxBytes } = { ...DEFAULTS, ...options };
    this.#clock = clock;
    this.#logger = logger;
    this.#allowedHosts = options.allowedHosts ?? [];
    const path = options.dataDir === ':memory:' ? ':memory:' : join(options.dataDir, 'platform.sqlite');
    this.registry = new Registry({ path, clock, random });
    const { registry } = this;
    this.#profiling =
      options.profiling &&
      openProfiling({
        ...options.profiling,
        clock,
        random,
        logger,
        poolWaits: () => poolWaits(registry, this.engine.pools),
      });
    const backend = options.openBackend?.(registry) ?? openProcesses(registry, options, this.#profiling?.recordings);
    this.memoryLimit = backend.memoryLimit;
    this.#closeBackend = async () => {
      if (backend instanceof ProcessBackend) await backend.close();
    };
    const starts = new StartWatch(backend);
    const listener: PoolListener = (event) => {
      logPoolEvent(logger, event);
      for (const each of this.#poolListeners) each(event);
    };
    this.engine =
      options.openEngine?.({ registry, backend: starts }) ??
      openEngine({
        ...options.engine,
        clock,
        random,
        backend: starts,
        directory: registry,
        listener,
        nameInstance: (version) => this.#nameInstance(version) ?? random.uuid(),
        // Counted as every other call is.
        callChild: childCaller({ names: registry, invoker: () => meter }),
      });
    const { pools } = this.engine;
    const log = new CallLog({ clock });
    const meter: CallMeter = new CallMeter({ inner: this.engine.invoker, clock, log });
    const onPoolEvent = (each: PoolListener) => {
      this.#poolListeners.add(each);
      return () => void this.#poolListeners.delete(each);
    };
    const warm = (versionId: string) => haveOneReady(versionId, { registry, pools });
    const triggers = new TriggerService({ registry, invoker: meter, clock, random, logger, warm });
    this.#triggers = triggers;
    const tools: DialectTools = {
      registry,
      invoker: meter,
      pools,
      meter,
      log,
      triggers,
      onPoolEvent,
      clock,
      random,
      logger,
      payloadMaxBytes,
      profilePages: this.#profiling?.onRequest,
    };
    this.#deployer = new Deployer({ registry, pools, logger });
    this.#controlPlane = new ControlPlane({ registry, pools, starts, clock, wishTtlMs });
    registry.onChange((change) => followChange(change, { pools, meter, starts }));
    if (options.native) {
      const invariants = new Invariants({
        pools,
        servedOf: (versionId) => servedOf(meter, versionId),
        liveProcesses: () => starts.live,
      });
      const page = { registry, pools, meter, triggers, invariants, clock, labels: options.metricLabels ?? {} };
      const onRequest = nativeDialect({
        api: new NativeApi({ registry, pools, starts, deployer: this.#deployer, meter, log, triggers }),
        controlPlane: this.#controlPlane,
        invoker: meter,
        triggers,
        metricsPage: () => platformPage(page),
        morePages: this.#profiling?.onRequest,
        isReady: () => this.#state === 'ready',
        logger,
        version: options.version,
        payloadMaxBytes,
      });
      this.#open.push({ name: 'native', address: options.native, dialect: { onRequest, refuseHost } });
    }
    for (const { name, address, open } of options.dialects) {
      this.#open.push({ name, address, dialect: open(tools) });
    }
  }

  /** Resolves once every port is open; rejects with a ListenError, and then nothing is left open. */
  async start(): Promise<readonly { readonly name: string; readonly url: string }[]> {
    try {
      for (const { name, address, dialect } of this.#open) {
        const onRequest = guardHost({
          boundHost: address.host,
          allowedHosts: this.#allowedHosts,
          refuse: dialect.refuseHost,
          onRequest: dialect.onRequest,
        });
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
    for (const [index, { dialect }] of this.#open.entries()) dialect.started?.(this.#listeners[index]?.url ?? '');
    return this.#listeners.map(({ name, url }) => ({ name, url }));
  }

  /** Drains for `graceMs`, then kills; leaves no process behind. Asked twice, it stops once. */
  stop({ graceMs }: { graceMs: number }): Promise<void> {
    this.#stopped ??= this.#stop(graceMs);
    return this.#stopped;
  }

  async #stop(graceMs: number): Promise<void> {
    this.#state = 'stopping';
    const beganMs = this.#clock.monotonicMs();
    await Promise.all([
      ...this.#open.map(({ dialect }) => dialect.stop?.()),
      this.#profiling?.stop({ graceMs: Math.min(graceMs, LAST_PROFILES_MS) }),
    ]);
    // From here on nobody new comes in, and who is in gets an answer.
    const closed = this.#listeners.map((listener) => listener.close(graceMs + LAST_ANSWERS_MS));
    await Promise.all([this.engine.stop({ graceMs }), this.#deployer.stop(), this.#triggers.stop()]);
    await Promise.all([...closed, this.#closeBackend()]);
    this.registry.close();
    this.#state = 'stopped';
    const tookMs = Math.round(this.#clock.monotonicMs() - beganMs);
    this.#logger.info({ event: 'platform.stopped', tookMs }, 'stopped');
  }

  #nameInstance(version: VersionRecord): string | undefined {
    for (const { dialect } of this.#open) {
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

/** In the background: an instance that does not start is told of by its pool, and by the call that it was for. */
function haveOneReady(versionId: string, { registry, pools }: { registry: Registry; pools: Pools }): void {
  const version = registry.version(versionId);
  // Where calls have instances of their own, nobody would use it.
  if (version?.status !== 'ACTIVE' || version.pool.reuse !== 'warm') return;
  const isReady = pools.of(versionId)?.instances.some(({ state }) => state !== 'busy' && state !== 'terminating');
  if (!isReady) pools.warm(versionId, { count: 1, source: 'prewarm' }).catch(() => {});
}

function* poolWaits(registry: Registry, pools: Pools) {
  for (const { versionId, waits, waitedSeconds } of pools.snapshots()) {
    const functionId = registry.version(versionId)?.functionId;
    const functionName = (functionId && registry.find(functionId)?.name) ?? versionId;
    yield { functionName, waits, waitedSeconds };
  }
}

function servedOf(meter: CallMeter, versionId: string): number {
  const counts = meter.of(versionId);
  return counts ? counts.coldCalls + counts.warmCalls : 0;
}

import type { VersionRecord } from '../model/function-record.ts';
import type { SpawnSource } from '../model/invocation.ts';
import { PlatformError } from '../model/platform-error.ts';
import type { StopReason } from '../model/pool-snapshot.ts';
import type { RunningInstance } from '../runtime/instance-backend.ts';
import type { InstanceSet } from './instance-set.ts';
import type { Reservation } from './memory-ledger.ts';
import type { PoolContext } from './pool-context.ts';
import type { PoolCounters } from './pool-counters.ts';
import { PooledInstance } from './pooled-instance.ts';

/** Nothing is asked of a process that is broken, deaf, or working for nobody: it is killed. */
const KILLED_AT_ONCE: ReadonlySet<StopReason> = new Set([
  'timeout',
  'overdue',
  'crashed',
  'out-of-memory',
  'result-too-large',
  'unreachable',
  'caller-gone',
]);

export interface LifecycleListener {
  /** It has started and can serve. */
  ready(instance: PooledInstance, nowMs: number): void;
  /** It never will; nobody told it to end. */
  failed(instance: PooledInstance, error: unknown, nowMs: number): void;
  /** Its process was reaped, or never was. */
  gone(nowMs: number): void;
}

export interface InstanceLifecycleOptions {
  readonly context: PoolContext;
  readonly instances: InstanceSet;
  readonly counters: PoolCounters;
  readonly listener: LifecycleListener;
}

/**
 * From the decision to start an instance until its process was reaped: cold, warming, (warm and busy, which is the pool's
 * affair), terminating, gone. Memory goes back when the process is reaped, here and nowhere else, whoever ended it.
 */
export class InstanceLifecycle {
  readonly #context: PoolContext;
  readonly #instances: InstanceSet;
  readonly #counters: PoolCounters;
  readonly #listener: LifecycleListener;

  constructor({ context, instances, counters, listener }: InstanceLifecycleOptions) {
    this.#context = context;
    this.#instances = instances;
    this.#counters = counters;
    this.#listener = listener;
  }

  create(version: VersionRecord, { source, reservation, nowMs }: Creation): PooledInstance {
    const { clock, nameInstance, listener } = this.#context;
    const instanceId = nameInstance(version);
    const instance = new PooledInstance({ instanceId, version, source, reservation, nowMs, wallMs: clock.wallMs() });
    this.#instances.add(instance);
    this.#counters.countSpawn(source);
    listener({ type: 'created', versionId: version.versionId, instanceId, source });
    return instance;
  }

  /** Resolves with nothing when the instance serves or was told to end, or with the reason why it never will. */
  begin(instance: PooledInstance): Promise<unknown> {
    if (instance.isStartedByCall) return this.#start(instance);
    return this.#context.backgroundStarts.run(() => this.#start(instance));
  }

  /** Never handed out again from here on: ends now if it is free, else when its last call has ended. */
  leave(instance: PooledInstance, reason: StopReason, nowMs: number): void {
    instance.leaving ??= reason;
    this.#instances.withdraw(instance);
    if (instance.inFlight > 0 || instance.state === 'terminating') return;
    const graceMs = KILLED_AT_ONCE.has(instance.leaving) ? 0 : this.#context.limits.stopGraceMs;
    this.#end(instance, { reason: instance.leaving, graceMs, nowMs });
  }

  /** Ends it now, whatever it does. */
  kill(instance: PooledInstance, reason: StopReason, nowMs: number): void {
    if (instance.state === 'terminating') this.#stopProcess(instance, 0);
    else this.#end(instance, { reason, graceMs: 0, nowMs });
  }

  /** After a call on an instance that was told to end meanwhile, or whose process is gone. */
  forgetIfGone(instance: PooledInstance, nowMs: number): void {
    if (!instance.hasExited || instance.inFlight > 0) return;
    this.#instances.remove(instance, nowMs);
    this.#listener.gone(nowMs);
  }

  async #start(instance: PooledInstance): Promise<unknown> {
    const { backend, clock, listener } = this.#context;
    const { instanceId, version, startAborter, reservation } = instance;
    const { versionId } = version;
    // It was told to end while it waited for its turn.
    if (instance.state !== 'cold') return undefined;
    instance.startingSinceMs = clock.monotonicMs();
    this.#instances.move(instance, 'warming');
    listener({ type: 'warming', versionId, instanceId });
    let running: RunningInstance;
    try {
      running = await backend.start(version, {
        instanceId,
        memoryLimitBytes: reservation.bytes,
        signal: startAborter.signal,
      });
    } catch (error) {
      return this.#failed(instance, error);
    }
    instance.running = running;
    void running.exited.then(() => this.#exited(instance));
    if (instance.leaving) {
      this.#stopProcess(instance, 0);
      return undefined;
    }
    const nowMs = clock.monotonicMs();
    listener({ type: 'warmed', versionId, instanceId, tookMs: nowMs - instance.startingSinceMs });
    this.#listener.ready(instance, nowMs);
    return undefined;
  }

  #failed(instance: PooledInstance, cause: unknown): unknown {
    const { clock, listener, limits } = this.#context;
    const { instanceId, version, leaving } = instance;
    const tooLate = `the instance had not started after ${limits.startTimeoutMs} ms`;
    const error = leaving === 'overdue' ? new PlatformError('init-failed', tooLate, { cause }) : cause;
    const nowMs = clock.monotonicMs();
    instance.hasExited = true;
    this.#instances.remove(instance, nowMs);
    const wasTold = leaving !== undefined && leaving !== 'overdue';
    if (!wasTold) {
      this.#counters.failedStarts += 1;
      listener({ type: 'start-failed', versionId: version.versionId, instanceId, error });
      this.#listener.failed(instance, error, nowMs);
    }
    // Last, for whoever waits for memory takes it at once.
    instance.reservation.giveBack();
    this.#listener.gone(nowMs);
    return wasTold ? undefined : error;
  }

  #end(
    instance: PooledInstance,
    { reason, graceMs, nowMs }: { reason: StopReason; graceMs: number; nowMs: number },
  ): void {
    const { state, version, instanceId } = instance;
    instance.leaving ??= reason;
    this.#instances.withdraw(instance);
    this.#instances.move(instance, 'terminating');
    this.#counters.countStop(reason);
    this.#context.listener({
      type: 'ending',
      versionId: version.versionId,
      instanceId,
      reason,
      ageMs: nowMs - instance.createdMs,
      idleMs: state === 'warm' ? nowMs - instance.idleSinceMs : 0,
    });
    if (state !== 'cold') {
      this.#stopProcess(instance, graceMs);
      return;
    }
    instance.hasExited = true;
    instance.reservation.giveBack();
    this.forgetIfGone(instance, nowMs);
  }

  #stopProcess(instance: PooledInstance, graceMs: number): void {
    const { instanceId, version, running } = instance;
    if (!running) {
      instance.startAborter.abort();
      return;
    }
    running.stop({ graceMs }).catch((error: unknown) => {
      this.#context.listener({ type: 'stop-failed', versionId: version.versionId, instanceId, error });
    });
  }

  #exited(instance: PooledInstance): void {
    const { clock, listener } = this.#context;
    const nowMs = clock.monotonicMs();
    instance.hasExited = true;
    if (instance.state !== 'terminating') {
      instance.leaving ??= 'crashed';
      this.#instances.withdraw(instance);
      this.#instances.move(instance, 'terminating');
      this.#counters.countStop(instance.leaving);
    }
    listener({ type: 'reaped', versionId: instance.version.versionId, instanceId: instance.instanceId });
    instance.reservation.giveBack();
    if (instance.inFlight === 0) this.forgetIfGone(instance, nowMs);
    else this.#listener.gone(nowMs);
  }
}

interface Creation {
  readonly source: SpawnSource;
  readonly reservation: Reservation;
  readonly nowMs: number;
}

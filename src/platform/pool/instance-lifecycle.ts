import { PlatformError } from '../model/platform-error.ts';
import type { StopReason } from '../model/pool-snapshot.ts';
import type { RunningInstance } from '../runtime/instance-backend.ts';
import type { PoolState } from './pool-state.ts';
import { PooledInstance, type PooledInstanceOptions } from './pooled-instance.ts';

/** A process that is broken, does not react or works for a caller that has gone is not asked to end: it is killed. */
const KILLED_AT_ONCE: ReadonlySet<StopReason> = new Set([
  'timeout',
  'overdue',
  'crashed',
  'out-of-memory',
  'result-too-large',
  'unreachable',
  'caller-gone',
]);

/** An asked stop becomes a kill after this. */
const STOP_GRACE_MS = 200;

export interface LifecycleListener {
  /** It has started and can serve. */
  onReady(instance: PooledInstance, nowMs: number): void;
  /** It never will, though it was not asked to end. */
  onStartFailed(instance: PooledInstance, error: unknown, nowMs: number): void;
  /** Its process was reaped, or never was. */
  onGone(nowMs: number): void;
}

/**
 * From the decision to start an instance until its process was reaped: cold, warming, (warm and busy, which is up to its
 * leases), terminating, gone. Its memory is given back when the process is reaped, here and nowhere else, however it ended.
 */
export class InstanceLifecycle {
  readonly #state: PoolState;
  readonly #listener: LifecycleListener;

  constructor(state: PoolState, listener: LifecycleListener) {
    this.#state = state;
    this.#listener = listener;
  }

  create(making: Pick<PooledInstanceOptions, 'source' | 'reservation' | 'nowMs'>): PooledInstance {
    const { source } = making;
    const { context, counters, instances, version } = this.#state;
    const instanceId = context.nameInstance(version);
    const wallMs = context.clock.wallMs();
    const instance = new PooledInstance({ ...making, instanceId, version, wallMs });
    instances.add(instance);
    counters.countSpawn(source);
    context.listener({ type: 'created', versionId: version.versionId, instanceId, source });
    return instance;
  }

  /** Resolves with nothing when the instance serves or was asked to end, or with the reason why it never will serve. */
  begin(instance: PooledInstance): Promise<unknown> {
    if (instance.isStartedByCall) return this.#start(instance);
    return this.#state.context.backgroundStarts.run(() => this.#start(instance));
  }

  /** Never handed out again from here on: ends now if it is free, else when its last call has ended. */
  leave(instance: PooledInstance, reason: StopReason, nowMs: number): void {
    instance.leaving ??= reason;
    this.#state.instances.withdraw(instance);
    if (instance.inFlight > 0 || instance.state === 'terminating') return;
    const graceMs = KILLED_AT_ONCE.has(instance.leaving) ? 0 : STOP_GRACE_MS;
    this.#end(instance, { reason: instance.leaving, graceMs, nowMs });
  }

  /** Ends it now, busy or not. */
  kill(instance: PooledInstance, reason: StopReason, nowMs: number): void {
    if (instance.state === 'terminating') this.#stopProcess(instance, 0);
    else this.#end(instance, { reason, graceMs: 0, nowMs });
  }

  /** After a call on an instance that was asked to end meanwhile, or whose process is gone. */
  forgetIfGone(instance: PooledInstance, nowMs: number): void {
    if (!instance.hasExited || instance.inFlight > 0) return;
    this.#state.instances.remove(instance, nowMs);
    this.#listener.onGone(nowMs);
  }

  async #start(instance: PooledInstance): Promise<unknown> {
    const { backend, clock, listener } = this.#state.context;
    const { instanceId, version, startAborter, reservation } = instance;
    const { versionId } = version;
    // It was asked to end while it waited for its turn.
    if (instance.state !== 'cold') return undefined;
    instance.startingSinceMs = clock.monotonicMs();
    this.#state.instances.move(instance, 'warming');
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
    this.#listener.onReady(instance, nowMs);
    return undefined;
  }

  #failed(instance: PooledInstance, cause: unknown): unknown {
    const { clock, listener, limits } = this.#state.context;
    const { instanceId, version, leaving } = instance;
    const tooLate = `the instance had not started after ${limits.startTimeoutMs} ms`;
    const error = leaving === 'overdue' ? new PlatformError('init-failed', tooLate, { cause }) : cause;
    const nowMs = clock.monotonicMs();
    instance.hasExited = true;
    this.#state.instances.remove(instance, nowMs);
    const wasAsked = leaving !== undefined && leaving !== 'overdue';
    if (!wasAsked) {
      this.#state.counters.failedStarts += 1;
      listener({ type: 'start-failed', versionId: version.versionId, instanceId, error });
      this.#listener.onStartFailed(instance, error, nowMs);
    }
    // Last, because a pool that waits for memory takes it at once.
    instance.reservation.giveBack();
    this.#listener.onGone(nowMs);
    return wasAsked ? undefined : error;
  }

  #end(
    instance: PooledInstance,
    { reason, graceMs, nowMs }: { reason: StopReason; graceMs: number; nowMs: number },
  ): void {
    const { state, version, instanceId } = instance;
    instance.leaving ??= reason;
    this.#state.instances.withdraw(instance);
    this.#state.instances.move(instance, 'terminating');
    this.#state.counters.countStop(reason);
    this.#state.context.listener({
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
      this.#state.context.listener({ type: 'stop-failed', versionId: version.versionId, instanceId, error });
    });
  }

  #exited(instance: PooledInstance): void {
    const { clock, listener } = this.#state.context;
    const nowMs = clock.monotonicMs();
    instance.hasExited = true;
    if (instance.state !== 'terminating') {
      instance.leaving ??= 'crashed';
      this.#state.instances.withdraw(instance);
      this.#state.instances.move(instance, 'terminating');
      this.#state.counters.countStop(instance.leaving);
    }
    listener({ type: 'reaped', versionId: instance.version.versionId, instanceId: instance.instanceId });
    instance.reservation.giveBack();
    if (instance.inFlight === 0) this.forgetIfGone(instance, nowMs);
    else this.#listener.onGone(nowMs);
  }
}

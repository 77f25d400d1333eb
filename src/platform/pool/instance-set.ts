import type { InstanceState } from '../model/invocation.ts';
import type { InstanceSnapshot } from '../model/pool-snapshot.ts';
import type { PooledInstance } from './pooled-instance.ts';

/** The instances of one pool by state. It only counts: nothing here starts, ends or decides. */
export class InstanceSet {
  readonly #all = new Set<PooledInstance>();
  /** Longest idle first. */
  readonly #idle: PooledInstance[] = [];
  /** Busy, and able to take one more; the one that was given a call last is last. */
  readonly #partlyBusy = new Set<PooledInstance>();
  readonly #byState: Record<InstanceState, number> = { cold: 0, warming: 0, warm: 0, busy: 0, terminating: 0 };
  #running = 0;
  #busyMsOfGone = 0;

  [Symbol.iterator](): Iterator<PooledInstance> {
    return this.#all.values();
  }

  get size(): number {
    return this.#all.size;
  }

  /** Calls that run. */
  get running(): number {
    return this.#running;
  }

  count(state: InstanceState): number {
    return this.#byState[state];
  }

  /** Cold, warming, warm and busy ones: what bounds speak of. */
  get current(): number {
    const { cold, warming, warm, busy } = this.#byState;
    return cold + warming + warm + busy;
  }

  /** Those that can serve, now or after a call. */
  get serving(): number {
    return this.#byState.warm + this.#byState.busy;
  }

  get idle(): readonly PooledInstance[] {
    return this.#idle;
  }

  /** A call could run at once. */
  get hasRoom(): boolean {
    return this.#idle.length > 0 || this.#partlyBusy.size > 0;
  }

  /** Processes that were started and not reaped. */
  get processes(): number {
    let count = 0;
    for (const { running, hasExited } of this.#all) if (running && !hasExited) count += 1;
    return count;
  }

  add(instance: PooledInstance): void {
    this.#all.add(instance);
    this.#byState[instance.state] += 1;
  }

  remove(instance: PooledInstance, nowMs: number): void {
    if (!this.#all.delete(instance)) return;
    this.#byState[instance.state] -= 1;
    this.#busyMsOfGone += instance.busyMs(nowMs);
  }

  move(instance: PooledInstance, state: InstanceState): void {
    this.#byState[instance.state] -= 1;
    this.#byState[state] += 1;
    instance.state = state;
  }

  /** The instance that the next call runs on: the one that was used last, so that surplus ones grow idle. */
  next(): PooledInstance | undefined {
    const idle = this.#idle.pop();
    if (idle || this.#partlyBusy.size === 0) return idle;
    const [instance] = this.#partlyBusy;
    return instance;
  }

  enter(instance: PooledInstance, { nowMs, isShared }: { nowMs: number; isShared: boolean }): void {
    this.#running += 1;
    instance.enter(nowMs);
    if (instance.inFlight === 1) this.move(instance, 'busy');
    if (instance.version.launch.concurrency === 1) return;
    this.#partlyBusy.delete(instance);
    if (isShared && instance.hasRoom) this.#partlyBusy.add(instance);
  }

  leave(instance: PooledInstance, nowMs: number): void {
    this.#running -= 1;
    instance.leave(nowMs);
  }

  /** It has room, and no call waits for that. */
  free(instance: PooledInstance, nowMs: number): void {
    if (instance.inFlight > 0) {
      this.#partlyBusy.add(instance);
      return;
    }
    this.#partlyBusy.delete(instance);
    this.move(instance, 'warm');
    instance.idleSinceMs = nowMs;
    this.#idle.push(instance);
  }

  /** It is given no more calls. */
  withdraw(instance: PooledInstance): void {
    this.#partlyBusy.delete(instance);
    const index = instance.state === 'warm' ? this.#idle.indexOf(instance) : -1;
    if (index >= 0) this.#idle.splice(index, 1);
  }

  /** Room for calls on instances that are starting now. */
  expectedRoom({ isShared }: { isShared: boolean }): number {
    if (this.#byState.warming === 0) return 0;
    let room = 0;
    for (const instance of this.#all) {
      if (instance.state !== 'warming') continue;
      if (isShared) room += instance.version.launch.concurrency;
      else if (instance.isStartedByCall) room += 1;
    }
    return room;
  }

  busyMsTotal(nowMs: number): number {
    let totalMs = this.#busyMsOfGone;
    for (const instance of this.#all) totalMs += instance.busyMs(nowMs);
    return totalMs;
  }

  reservedBytes(): number {
    let bytes = 0;
    for (const { reservation } of this.#all) if (reservation.isHeld) bytes += reservation.bytes;
    return bytes;
  }

  /** Memory that comes back when processes that were asked to end have ended. */
  leavingBytes(): number {
    if (this.#byState.terminating === 0) return 0;
    let bytes = 0;
    for (const { state, reservation } of this.#all) {
      if (state === 'terminating' && reservation.isHeld) bytes += reservation.bytes;
    }
    return bytes;
  }

  /** Copies that nothing changes any more. */
  snapshots(nowMs: number): InstanceSnapshot[] {
    return Array.from(this.#all, (instance) => ({
      instanceId: instance.instanceId,
      pid: instance.running?.pid,
      state: instance.state,
      source: instance.source,
      startedMs: instance.createdWallMs,
      uses: instance.uses,
      running: instance.inFlight,
      busySeconds: instance.busyMs(nowMs) / 1000,
      rssBytes: instance.running?.rssBytes(),
    }));
  }

  /** What cannot be, in words; nothing when the counts agree. */
  breaches(): string[] {
    const seen: Record<InstanceState, number> = { cold: 0, warming: 0, warm: 0, busy: 0, terminating: 0 };
    const found: string[] = [];
    let inFlight = 0;
    for (const instance of this.#all) {
      const { instanceId, state, version } = instance;
      seen[state] += 1;
      inFlight += instance.inFlight;
      if (instance.reservation.isHeld === instance.hasExited) {
        found.push(`${instanceId}: its memory does not follow its process`);
      }
      if (state !== 'terminating' && (state === 'busy') !== instance.inFlight > 0) {
        found.push(`${instanceId} is ${state} with ${instance.inFlight} calls`);
      }
      if (instance.inFlight > version.launch.concurrency) found.push(`${instanceId} has ${instance.inFlight} calls`);
    }
    for (const state of Object.keys(seen) as InstanceState[]) {
      if (seen[state] !== this.#byState[state]) {
        found.push(`${this.#byState[state]} counted as ${state}, ${seen[state]} are`);
      }
    }
    if (inFlight !== this.#running) found.push(`${this.#running} leases counted, ${inFlight} are open`);
    if (this.#idle.length !== this.#byState.warm) found.push(`${this.#byState.warm} warm, ${this.#idle.length} free`);
    return found;
  }
}

import type { VersionRecord } from '../model/function-record.ts';
import type { InstanceState, SpawnSource } from '../model/invocation.ts';
import type { StopReason } from '../model/pool-snapshot.ts';
import type { RunningInstance } from '../runtime/instance-backend.ts';
import type { Reservation } from './memory-ledger.ts';

export interface PooledInstanceOptions {
  readonly instanceId: string;
  readonly version: VersionRecord;
  readonly source: SpawnSource;
  readonly reservation: Reservation;
  readonly nowMs: number;
  readonly wallMs: number;
}

/** One instance in its pool, from the decision to start it until its process was reaped. Only its pool writes to it. */
export class PooledInstance {
  readonly instanceId: string;
  /** As it was started; the pool may serve another version by now. */
  readonly version: VersionRecord;
  readonly source: SpawnSource;
  readonly reservation: Reservation;
  readonly createdMs: number;
  readonly createdWallMs: number;
  readonly startAborter = new AbortController();
  state: InstanceState = 'cold';
  running: RunningInstance | undefined;
  hasExited = false;
  /** Set: it is never handed out again, and ends when it is free. */
  leaving: StopReason | undefined;
  /** Calls that ran on it. */
  uses = 0;
  startingSinceMs = 0;
  idleSinceMs = 0;
  /** When the first of the calls that run now was sent. */
  busySinceMs = 0;
  #inFlight = 0;
  #busyMs = 0;
  #countedUntilMs = 0;

  constructor({ instanceId, version, source, reservation, nowMs, wallMs }: PooledInstanceOptions) {
    this.instanceId = instanceId;
    this.version = version;
    this.source = source;
    this.reservation = reservation;
    this.createdMs = nowMs;
    this.createdWallMs = wallMs;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** A call asked for just this one and waits for it. */
  get isStartedByCall(): boolean {
    return this.source === 'lazy' || this.source === 'retry';
  }

  /** What was warmed by hand stays until it is cooled by hand, or its time is over. */
  get isStartedByHand(): boolean {
    return this.source === 'manual' || this.source === 'prewarm';
  }

  get hasRoom(): boolean {
    return this.#inFlight < this.version.launch.concurrency;
  }

  enter(nowMs: number): void {
    this.#count(nowMs);
    if (this.#inFlight === 0) this.busySinceMs = nowMs;
    this.#inFlight += 1;
  }

  leave(nowMs: number): void {
    this.#count(nowMs);
    this.#inFlight -= 1;
  }

  /** Each call counts its own time: two at once for a second are two seconds. */
  busyMs(nowMs: number): number {
    return this.#busyMs + this.#inFlight * (nowMs - this.#countedUntilMs);
  }

  #count(nowMs: number): void {
    this.#busyMs += this.#inFlight * (nowMs - this.#countedUntilMs);
    this.#countedUntilMs = nowMs;
  }
}

/** The right to run one call on an instance, to be given back exactly once. */
export class Lease {
  readonly instance: PooledInstance;
  readonly running: RunningInstance;
  readonly isCold: boolean;
  #isOpen = true;

  constructor({ instance, running, isCold }: { instance: PooledInstance; running: RunningInstance; isCold: boolean }) {
    this.instance = instance;
    this.running = running;
    this.isCold = isCold;
  }

  /** False: it was given back before. */
  close(): boolean {
    const wasOpen = this.#isOpen;
    this.#isOpen = false;
    return wasOpen;
  }
}

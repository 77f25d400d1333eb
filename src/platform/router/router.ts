import type { Clock } from '../../lib/clock.ts';
import { errorText } from '../../lib/error-text.ts';
import { type Random, systemRandom } from '../../lib/random.ts';
import type { ServedVersion, VersionDirectory } from '../model/function-record.ts';
import type { CallFacts, Invocation, InvocationRequest, Invoker } from '../model/invocation.ts';
import { PlatformError } from '../model/platform-error.ts';
import type { StopReason } from '../model/pool-snapshot.ts';
import type { InstancePool } from '../pool/instance-pool.ts';
import type { InstancePools } from '../pool/instance-pools.ts';
import type { Lease } from '../pool/pooled-instance.ts';
import type { CallEnd, ChildCall } from '../runtime/instance-backend.ts';
import type { ChildCaller } from './child-call.ts';
import { Gate } from './gate.ts';

const MIB = 1024 * 1024;
const CALLS_MIN = 200;
const CALLS_PER_CPU = 64;
/** How long a call waits for a place when the host is full. */
const HOST_GRACE_MS = 250;
const DEPTH_MAX = 8;
/** Instances that one call may be handed before it gives up, when each turns out to be dead. */
const ATTEMPTS_MAX = 5;
/**
 * The share of its time-out that a call of a function waits for an instance at most. The function that called it holds one
 * meanwhile, so the child must give up first, or neither ever gets anywhere.
 */
const CHILD_WAIT_SHARE = 0.5;

export interface RouterOptions {
  readonly clock: Clock;
  readonly random?: Random;
  readonly pools: InstancePools;
  readonly directory: VersionDirectory;
  readonly cpus: number;
  /** How functions call functions; without it they cannot. */
  readonly callChild?: ChildCaller | undefined;
}

interface CallInProgress {
  readonly request: InvocationRequest;
  readonly version: ServedVersion;
  readonly pool: InstancePool;
  readonly arrivedMs: number;
  readonly deadlineMs: number;
  readonly order: number;
  /**
   * A function made it, and holds an instance and a place of the host meanwhile: for more of them the two would wait for each
   * other. Known by where the call comes from; the depth is only what a caller says.
   */
  readonly isChild: boolean;
}

/**
 * What every call goes through: a place of the host; an instance that is free, or new, or the next to be free; dispatch; release.
 * Waiting counts against the time-out of the function; running gets all of it again from the moment it is sent. For a warm
 * instance that is free, nothing is awaited before the call is written to it.
 */
export class Router implements Invoker {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #pools: InstancePools;
  readonly #directory: VersionDirectory;
  readonly #callChild: ChildCaller | undefined;
  readonly #hostGate: Gate;
  #order = 0;
  #isStopping = false;

  constructor({ clock, random = systemRandom, pools, directory, cpus, callChild }: RouterOptions) {
    this.#clock = clock;
    this.#random = random;
    this.#pools = pools;
    this.#directory = directory;
    this.#callChild = callChild;
    const limit = Math.max(CALLS_MIN, CALLS_PER_CPU * cpus);
    this.#hostGate = new Gate({
      limit,
      clock,
      onExpired: () => new PlatformError('overloaded', `${limit} calls are under way: try again in a second`),
    });
  }

  /** Calls that hold a place of the host. */
  get callsUnderWay(): number {
    return this.#hostGate.inside;
  }

  async invoke(request: InvocationRequest): Promise<Invocation> {
    const arrivedMs = this.#clock.monotonicMs();
    const version = this.#resolve(request);
    const pool = this.#pools.poolFor(version);
    const isChild = request.source === 'fanout';
    const deadlineMs = arrivedMs + version.launch.timeoutMs * (isChild ? CHILD_WAIT_SHARE : 1);
    this.#order += 1;
    const call: CallInProgress = { request, version, pool, arrivedMs, deadlineMs, order: this.#order, isChild };
    pool.counters.requests += 1;
    try {
      if (isChild) return await this.#run(call);
      if (!this.#hostGate.tryEnter()) await this.#waitOutside(call);
      try {
        return await this.#run(call);
      } finally {
        this.#hostGate.leave();
      }
    } catch (error) {
      if (error instanceof PlatformError) pool.counters.countFailure(error.code);
      throw error;
    } finally {
      pool.counters.countEnd(this.#clock.monotonicMs() - arrivedMs);
    }
  }

  /** Takes no more calls. Those under way go on. */
  stop(): void {
    this.#isStopping = true;
  }

  #resolve({ versionId, depth }: InvocationRequest): ServedVersion {
    if (this.#isStopping) throw new PlatformError('stopping', 'the platform is stopping');
    if (depth >= DEPTH_MAX) {
      throw new PlatformError('depth-exceeded', `functions called functions ${depth} deep; ${DEPTH_MAX} is too deep`);
    }
    const version = this.#directory.version(versionId);
    if (!version) throw new PlatformError('version-unknown', `there is no version ${versionId}`);
    switch (version.status) {
      case 'ACTIVE':
      case 'DEPLOYING':
        return version;
      case 'INACTIVE':
        throw new PlatformError('not-active', 'the function is switched off: activate it first');
      case 'ERRORED':
        throw new PlatformError('not-active', 'the function could not be deployed: deploy code that starts');
      case 'DELETED':
        throw new PlatformError('version-unknown', `version ${versionId} was deleted`);
      default:
        return version.status satisfies never;
    }
  }

  #waitOutside({ request, arrivedMs, deadlineMs, order }: CallInProgress): Promise<void> {
    const graceEndMs = Math.min(deadlineMs, arrivedMs + HOST_GRACE_MS);
    return this.#hostGate.enter({ order, deadlineMs: graceEndMs }, request.signal);
  }

  async #run(call: CallInProgress): Promise<Invocation> {
    const { request, version, pool, arrivedMs } = call;
    const { leasing } = pool;
    const callChild = this.#callChild;
    const { payload, signal, onChunk } = request;
    const { timeoutMs } = version.launch;
    const onChild = callChild && ((child: ChildCall) => callChild(request, child));
    const requestId = request.requestId ?? this.#random.uuid();
    let nowMs = arrivedMs;
    for (let attempt = 1; ; attempt += 1) {
      let lease = signal?.aborted ? undefined : leasing.take(nowMs);
      if (!lease) {
        lease = await this.#wait(call, attempt, nowMs);
        nowMs = this.#clock.monotonicMs();
        if (signal?.aborted) {
          leasing.release(lease, { nowMs, hasRun: false });
          throw signal.reason;
        }
      }
      const sentMs = nowMs;
      let end: CallEnd;
      try {
        end = await lease.running.call({ requestId, payload, timeoutMs, signal, onChunk, onChild });
      } catch (error) {
        // A back end that rejects, though it must not, may have run the handler.
        end = { kind: 'crashed', detail: errorText(error) };
      }
      nowMs = this.#clock.monotonicMs();
      if (end.kind !== 'not-reached') {
        return this.#conclude(call, { lease, end, requestId, sentMs, nowMs });
      }
      leasing.release(lease, { nowMs, hasRun: false, reason: 'unreachable' });
      if (signal?.aborted) throw signal.reason;
      if (attempt >= ATTEMPTS_MAX) {
        throw new PlatformError('unreachable', `none of ${attempt} instances could be reached: ${end.detail}`);
      }
    }
  }

  #wait({ request, pool, deadlineMs, order, isChild }: CallInProgress, attempt: number, nowMs: number): Promise<Lease> {
    return pool.leasing.wait({ nowMs, order, deadlineMs, signal: request.signal, isChild, isRetry: attempt > 1 });
  }

  #conclude(
    call: CallInProgress,
    ended: { lease: Lease; end: ReachedEnd; requestId: string; sentMs: number; nowMs: number },
  ): Invocation {
    const { request, version, pool, arrivedMs } = call;
    const { lease, end, requestId, sentMs, nowMs } = ended;
    const { running, isCold } = lease;
    const rssBytes = running.rssBytes();
    const facts: CallFacts = {
      requestId,
      functionId: version.functionId,
      versionId: version.versionId,
      instanceId: running.instanceId,
      isCold,
      waitedMs: sentMs - arrivedMs,
      ranMs: nowMs - sentMs,
      memoryUsedMb: rssBytes === undefined ? undefined : rssBytes / MIB,
      logs: running.logTail(),
    };
    pool.counters.ran += 1;
    const hasGone = request.signal?.aborted ?? false;
    pool.leasing.release(lease, { nowMs, hasRun: true, reason: hasGone ? 'caller-gone' : reasonToEnd(end) });
    if (end.kind === 'result') return { ...facts, body: end.body, streamedBytes: end.streamedBytes };
    if (hasGone) throw request.signal?.reason;
    const { timeoutMs, memoryMb } = version.launch;
    throw errorOf(end, { facts, timeoutMs, memoryMb });
  }
}

type ReachedEnd = Exclude<CallEnd, { kind: 'not-reached' }>;

/** Why the instance must end, if it must. A handler that threw has a process that works; all else leaves one that cannot be trusted. */
function reasonToEnd(end: ReachedEnd): StopReason | undefined {
  switch (end.kind) {
    case 'result':
    case 'handler-failed':
      return undefined;
    case 'timeout':
    case 'crashed':
    case 'out-of-memory':
    case 'result-too-large':
      return end.kind;
    default:
      return end satisfies never;
  }
}

/** The error of a call that reached an instance and did not end well. */
function errorOf(
  end: Exclude<ReachedEnd, { kind: 'result' }>,
  { facts, timeoutMs, memoryMb }: { facts: CallFacts; timeoutMs: number; memoryMb: number },
): PlatformError {
  switch (end.kind) {
    case 'handler-failed': {
      const { errorType, message, stack } = end;
      return new PlatformError('handler-failed', message, { facts, thrown: { errorType, message, stack } });
    }
    case 'timeout':
      return new PlatformError('timeout', `the function did not answer within ${timeoutMs} ms`, { facts });
    case 'crashed':
      return new PlatformError('crashed', `the instance ended before it answered: ${end.detail}`, { facts });
    case 'out-of-memory':
      return new PlatformError('out-of-memory', `the function used more than its ${memoryMb} MB: ${end.detail}`, {
        facts,
      });
    case 'result-too-large':
      return new PlatformError('result-too-large', `the result has ${end.bytes} bytes, which is too many`, { facts });
    default:
      return end satisfies never;
  }
}

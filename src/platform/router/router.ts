import type { Clock } from '../../lib/clock.ts';
import { type Random, systemRandom } from '../../lib/random.ts';
import type { CallFacts, Invocation, InvocationRequest, InvocationSource, Invoker } from '../invocation.ts';
import { PlatformError } from '../platform-error.ts';
import type { InstancePool } from '../pool/instance-pool.ts';
import type { InstancePools } from '../pool/instance-pools.ts';
import type { Lease } from '../pool/pooled-instance.ts';
import type { CallEnd, ChildCall } from '../runtime/instance-backend.ts';
import type { ServedVersion, VersionDirectory } from '../version-directory.ts';
import { errorOf, reasonToEnd } from './call-outcome.ts';
import type { ChildCaller } from './child-call.ts';
import { Gate } from './gate.ts';

const MIB = 1024 * 1024;
const CALLS_MIN = 200;
const CALLS_PER_CPU = 64;

/** Parts of one request of the outside world, which has its slot already: they would wait for each other for more. */
const COMPOSED: ReadonlySet<InvocationSource> = new Set(['burst', 'chain', 'fanout']);

export interface RouterOptions {
  readonly clock: Clock;
  readonly random?: Random;
  readonly pools: InstancePools;
  readonly directory: VersionDirectory;
  readonly cpus: number;
  /** How long a call waits in front of a full house. */
  readonly hostGraceMs?: number;
  readonly depthMax?: number;
  /** Instances that one call may be handed before it gives up, when each turns out to be dead. */
  readonly attemptsMax?: number;
  /**
   * The share of its time-out that a call of a function waits for an instance at most. The function that called it holds one
   * meanwhile, so the child must give up first, or neither ever gets anywhere.
   */
  readonly childWaitShare?: number;
  /** How functions call functions; without it they cannot. */
  readonly callChild?: ChildCaller | undefined;
}

/** A call on its way through. */
interface Passage {
  readonly request: InvocationRequest;
  readonly version: ServedVersion;
  readonly pool: InstancePool;
  readonly arrivedMs: number;
  readonly deadlineMs: number;
  readonly order: number;
}

/**
 * The one way for every call: limit of the host, limit of the function, a free instance or a new one or a turn, dispatch,
 * release. Waiting counts against the time-out of the function; running gets all of it again from the moment it is sent.
 * For a warm instance that is free, nothing is awaited before the call is written to it.
 */
export class Router implements Invoker {
  readonly #options: Required<Omit<RouterOptions, 'callChild'>> & Pick<RouterOptions, 'callChild'>;
  readonly #hostGate: Gate;
  readonly #functionGates = new Map<string, Gate>();
  #order = 0;
  #isStopping = false;

  constructor(options: RouterOptions) {
    this.#options = {
      random: systemRandom,
      hostGraceMs: 250,
      depthMax: 8,
      attemptsMax: 5,
      childWaitShare: 0.5,
      ...options,
    };
    const limit = Math.max(CALLS_MIN, CALLS_PER_CPU * options.cpus);
    this.#hostGate = new Gate({
      limit,
      clock: options.clock,
      onExpired: () => new PlatformError('overloaded', `${limit} calls are under way: try again in a second`),
    });
  }

  /** Calls of the outside world that are under way. */
  get callsUnderWay(): number {
    return this.#hostGate.inside;
  }

  async invoke(request: InvocationRequest): Promise<Invocation> {
    const arrivedMs = this.#options.clock.monotonicMs();
    const version = this.#resolve(request);
    const pool = this.#options.pools.poolFor(version);
    pool.counters.requests += 1;
    try {
      return await this.#admit(this.#passage(request, { version, pool, arrivedMs }));
    } catch (error) {
      if (error instanceof PlatformError) pool.counters.countFailure(error.code);
      throw error;
    } finally {
      pool.counters.countEnd(this.#options.clock.monotonicMs() - arrivedMs);
    }
  }

  /** Takes no more calls. Those under way go on. */
  stop(): void {
    this.#isStopping = true;
  }

  #resolve({ versionId, depth }: InvocationRequest): ServedVersion {
    const { directory, depthMax } = this.#options;
    if (this.#isStopping) throw new PlatformError('stopping', 'the platform is stopping');
    if (depth >= depthMax) {
      throw new PlatformError('depth-exceeded', `functions called functions ${depth} deep; ${depthMax} is too deep`);
    }
    const version = directory.version(versionId);
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

  #passage(
    request: InvocationRequest,
    { version, pool, arrivedMs }: { version: ServedVersion; pool: InstancePool; arrivedMs: number },
  ): Passage {
    const share = request.depth > 0 ? this.#options.childWaitShare : 1;
    const deadlineMs = arrivedMs + version.launch.timeoutMs * share;
    this.#order += 1;
    return { request, version, pool, arrivedMs, deadlineMs, order: this.#order };
  }

  /** Through the gates that lie before the pool. */
  async #admit(passage: Passage): Promise<Invocation> {
    const { request, version, arrivedMs, deadlineMs, order } = passage;
    const hostGate = request.depth === 0 && !COMPOSED.has(request.source) ? this.#hostGate : undefined;
    if (hostGate && !hostGate.tryEnter()) {
      const graceEndMs = Math.min(deadlineMs, arrivedMs + this.#options.hostGraceMs);
      await hostGate.enter({ order, deadlineMs: graceEndMs }, request.signal);
    }
    try {
      const functionGate = version.concurrencyLimit && this.#functionGate(version);
      if (!functionGate) return await this.#run(passage);
      if (!functionGate.tryEnter()) await this.#queueAt(functionGate, passage);
      try {
        return await this.#run(passage);
      } finally {
        functionGate.leave();
        if (functionGate.inside === 0) this.#functionGates.delete(version.functionId);
      }
    } finally {
      hostGate?.leave();
    }
  }

  #functionGate({ functionId, concurrencyLimit }: ServedVersion): Gate {
    const limit = concurrencyLimit?.limit ?? 0;
    if (limit === 0) {
      throw new PlatformError('concurrency-zero', 'no call of this function may run: its concurrency is set to 0');
    }
    let gate = this.#functionGates.get(functionId);
    if (!gate) {
      gate = new Gate({
        limit,
        clock: this.#options.clock,
        onExpired: () => new PlatformError('wait-timeout', 'the function had as many calls as it may, for too long'),
      });
      this.#functionGates.set(functionId, gate);
    }
    gate.limit = limit;
    return gate;
  }

  #queueAt(gate: Gate, { request, version, deadlineMs, order }: Passage): Promise<void> {
    const { limit, whenFull } = version.concurrencyLimit!;
    if (whenFull === 'reject') {
      throw new PlatformError('overloaded', `${limit} calls of this function run, which is as many as may`);
    }
    if (gate.waiting >= version.pool.queueDepth) {
      throw new PlatformError('queue-full', `${gate.waiting} calls wait for this function already: try again later`);
    }
    return gate.enter({ order, deadlineMs }, request.signal);
  }

  async #run(passage: Passage): Promise<Invocation> {
    const { clock, random, attemptsMax } = this.#options;
    const { request, version, pool, arrivedMs } = passage;
    const { signal } = request;
    const requestId = request.requestId ?? random.uuid();
    let nowMs = arrivedMs;
    for (let attempt = 1; ; attempt += 1) {
      let lease = signal?.aborted ? undefined : pool.takeFree(nowMs);
      if (!lease) {
        lease = await this.#wait(passage, attempt, nowMs);
        nowMs = clock.monotonicMs();
        if (signal?.aborted) {
          pool.release(lease, { nowMs, hasRun: false, reason: undefined });
          throw signal.reason;
        }
      }
      const sentMs = nowMs;
      const timeoutMs = version.launch.timeoutMs;
      const end = await send(lease, { request, requestId, timeoutMs, callChild: this.#options.callChild });
      nowMs = clock.monotonicMs();
      if (end.kind !== 'not-reached') {
        return this.#conclude(passage, { lease, end, requestId, sentMs, nowMs });
      }
      pool.release(lease, { nowMs, hasRun: false, reason: 'unreachable' });
      if (signal?.aborted) throw signal.reason;
      if (attempt >= attemptsMax) {
        throw new PlatformError('unreachable', `none of ${attempt} instances could be reached: ${end.detail}`);
      }
    }
  }

  #wait({ request, pool, deadlineMs, order }: Passage, attempt: number, nowMs: number): Promise<Lease> {
    const { depth, signal } = request;
    return pool.waitFor({ nowMs, order, deadlineMs, signal, isChild: depth > 0, isRetry: attempt > 1 });
  }

  #conclude(passage: Passage, { lease, end, requestId, sentMs, nowMs }: Ended): Invocation {
    const { request, version, pool, arrivedMs } = passage;
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
    pool.release(lease, { nowMs, hasRun: true, reason: hasGone ? 'caller-gone' : reasonToEnd(end) });
    if (end.kind === 'result') return { ...facts, body: end.body, streamedBytes: end.streamedBytes };
    if (hasGone) throw request.signal?.reason;
    const { timeoutMs, memoryMb } = version.launch;
    throw errorOf(end, { facts, timeoutMs, memoryMb });
  }
}

interface Ended {
  readonly lease: Lease;
  readonly end: Exclude<CallEnd, { kind: 'not-reached' }>;
  readonly requestId: string;
  readonly sentMs: number;
  readonly nowMs: number;
}

/** A back end that breaks its word and rejects may have run the handler. */
async function send(
  { running }: Lease,
  {
    request,
    requestId,
    timeoutMs,
    callChild,
  }: { request: InvocationRequest; requestId: string; timeoutMs: number; callChild: ChildCaller | undefined },
): Promise<CallEnd> {
  const { payload, signal, onChunk } = request;
  const onChild = callChild && ((child: ChildCall) => callChild(request, child));
  try {
    return await running.call({ requestId, payload, timeoutMs, signal, onChunk, onChild });
  } catch (error) {
    return { kind: 'crashed', detail: error instanceof Error ? error.message : String(error) };
  }
}

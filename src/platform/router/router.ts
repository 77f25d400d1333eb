import type { Clock } from '../../lib/clock.ts';
import { type Random, systemRandom } from '../../lib/random.ts';
import type { CallFacts, Invocation, InvocationRequest, Invoker } from '../model/invocation.ts';
import { PlatformError } from '../model/platform-error.ts';
import type { ServedVersion, VersionDirectory } from '../model/version-directory.ts';
import type { InstancePool } from '../pool/instance-pool.ts';
import type { InstancePools } from '../pool/instance-pools.ts';
import type { Lease } from '../pool/pooled-instance.ts';
import type { CallEnd, ChildCall } from '../runtime/instance-backend.ts';
import { errorOf, reasonToEnd } from './call-outcome.ts';
import type { ChildCaller } from './child-call.ts';
import { Gate } from './gate.ts';

const MIB = 1024 * 1024;
const CALLS_MIN = 200;
const CALLS_PER_CPU = 64;

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
  /**
   * A function made it, and holds an instance and a place of the host meanwhile: for more of them the two would wait for each
   * other. Known by where the call comes from; the depth is only what a caller says.
   */
  readonly isChild: boolean;
}

/**
 * The one way for every call: limit of the host, a free instance or a new one or a turn, dispatch, release. Waiting counts against the time-out of the function; running gets all of it again from the moment it is sent.
 * For a warm instance that is free, nothing is awaited before the call is written to it.
 */
export class Router implements Invoker {
  readonly #options: Required<Omit<RouterOptions, 'callChild'>> & Pick<RouterOptions, 'callChild'>;
  readonly #hostGate: Gate;
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

  /** Calls that hold a place of the host. */
  get callsUnderWay(): number {
    return this.#hostGate.inside;
  }

  async invoke(request: InvocationRequest): Promise<Invocation> {
    const arrivedMs = this.#options.clock.monotonicMs();
    const version = this.#resolve(request);
    const pool = this.#options.pools.poolFor(version);
    const passage = this.#passage(request, { version, pool, arrivedMs });
    pool.counters.requests += 1;
    try {
      if (passage.isChild) return await this.#run(passage);
      if (!this.#hostGate.tryEnter()) await this.#waitOutside(passage);
      try {
        return await this.#run(passage);
      } finally {
        this.#hostGate.leave();
      }
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
    const isChild = request.source === 'fanout';
    const deadlineMs = arrivedMs + version.launch.timeoutMs * (isChild ? this.#options.childWaitShare : 1);
    this.#order += 1;
    return { request, version, pool, arrivedMs, deadlineMs, order: this.#order, isChild };
  }

  #waitOutside({ request, arrivedMs, deadlineMs, order }: Passage): Promise<void> {
    const graceEndMs = Math.min(deadlineMs, arrivedMs + this.#options.hostGraceMs);
    return this.#hostGate.enter({ order, deadlineMs: graceEndMs }, request.signal);
  }

  async #run(passage: Passage): Promise<Invocation> {
    const { clock, random, attemptsMax, callChild } = this.#options;
    const { request, version, pool, arrivedMs } = passage;
    const { payload, signal, onChunk } = request;
    const { timeoutMs } = version.launch;
    const onChild = callChild && ((child: ChildCall) => callChild(request, child));
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
      let end: CallEnd;
      try {
        end = await lease.running.call({ requestId, payload, timeoutMs, signal, onChunk, onChild });
      } catch (error) {
        // A back end that breaks its word and rejects may have run the handler.
        end = { kind: 'crashed', detail: error instanceof Error ? error.message : String(error) };
      }
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

  #wait({ request, pool, deadlineMs, order, isChild }: Passage, attempt: number, nowMs: number): Promise<Lease> {
    return pool.waitFor({ nowMs, order, deadlineMs, signal: request.signal, isChild, isRetry: attempt > 1 });
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

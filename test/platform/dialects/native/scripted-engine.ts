import type { Invocation, InvocationRequest } from '../../../../src/platform/model/invocation.ts';
import type { InstanceSnapshot, PoolSnapshot } from '../../../../src/platform/model/pool-snapshot.ts';
import type { Engine } from '../../../../src/platform/platform.ts';

/** Pools that carry out every command at once, and calls that end as the test says. */
export class ScriptedEngine implements Engine {
  readonly commands: unknown[][] = [];
  readonly snapshotOf = new Map<string, PoolSnapshot>();
  onInvoke: (request: InvocationRequest) => Promise<Invocation> = async (request) => invocationOf(request);
  onWarm: (versionId: string, count: number) => Promise<number> = async (_, count) => count;

  readonly invoker = { invoke: (request: InvocationRequest) => this.onInvoke(request) };

  readonly pools: Engine['pools'] = {
    of: (versionId) => this.snapshotOf.get(versionId),
    snapshots: () => this.snapshotOf.values(),
    memory: () => ({ reservedBytes: 0, budgetBytes: 2 ** 30 }),
    warm: (versionId, { count, source }) => {
      this.commands.push(['warm', versionId, count, source]);
      return this.onWarm(versionId, count);
    },
    wish: (versionId, wish) => {
      this.commands.push(['wish', versionId, wish?.wanted]);
      const wanted = wish?.wanted ?? 0;
      this.snapshotOf.set(versionId, poolOf(versionId, { wanted, wishUntilMs: wish?.untilMs }));
    },
    cool: () => 0,
    refresh: (versionId) => this.commands.push(['refresh', versionId]),
    retire: (versionId) => this.commands.push(['retire', versionId]),
  };

  async stop(): Promise<void> {
    this.commands.push(['stop']);
  }
}

export function invocationOf(request: InvocationRequest, more: Partial<Invocation> = {}): Invocation {
  return {
    requestId: 'request-1',
    functionId: 'f',
    versionId: request.versionId,
    instanceId: 'inst-0',
    body: request.payload,
    isCold: true,
    waitedMs: 12.3456,
    ranMs: 1.5,
    memoryUsedMb: 40,
    logs: [],
    ...more,
  };
}

export function instanceOf(more: Partial<InstanceSnapshot> = {}): InstanceSnapshot {
  return {
    instanceId: 'inst-0',
    pid: 1,
    state: 'warm',
    source: 'lazy',
    startedMs: 0,
    uses: 0,
    running: 0,
    busySeconds: 0,
    rssBytes: undefined,
    ...more,
  };
}

export function poolOf(versionId: string, more: Partial<PoolSnapshot> = {}): PoolSnapshot {
  return {
    versionId,
    instances: [],
    waiting: 0,
    running: 0,
    wanted: 0,
    wishUntilMs: undefined,
    coldCalls: 0,
    warmCalls: 0,
    failedCalls: {},
    waits: 0,
    waitedSeconds: 0,
    spawned: {},
    stopped: 0,
    stoppedBy: {},
    failedStarts: 0,
    scaleUps: 0,
    scaleDowns: 0,
    cap: 16,
    requests: 0,
    latencySeconds: 0,
    latencyCounts: [],
    reservedBytes: 0,
    ...more,
  };
}

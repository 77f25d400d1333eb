import type { Invoker } from '../model/invocation.ts';
import type { Pools } from '../model/pool-snapshot.ts';
import { type HostCapacity, readHostCapacity } from '../pool/host-capacity.ts';
import { InstancePools, type InstancePoolsOptions } from '../pool/instance-pools.ts';
import { Router, type RouterOptions } from './router.ts';

export interface EngineOptions
  extends Omit<InstancePoolsOptions, 'host'>,
    Pick<RouterOptions, 'hostGraceMs' | 'depthMax' | 'attemptsMax' | 'childWaitShare' | 'callChild'> {
  /** Undefined: what this machine has. */
  readonly host?: HostCapacity;
}

/** Pools, and the router in front of them. */
export function openEngine(options: EngineOptions): {
  readonly invoker: Invoker;
  readonly pools: Pools;
  stop(options: { graceMs: number }): Promise<void>;
} {
  const host = options.host ?? readHostCapacity();
  const pools = new InstancePools({ ...options, host });
  const invoker = new Router({ ...options, pools, cpus: host.cpus });
  return {
    invoker,
    pools,
    stop: ({ graceMs }) => {
      invoker.stop();
      return pools.stop({ graceMs });
    },
  };
}

import { availableParallelism, totalmem } from 'node:os';
import { constrainedMemory } from 'node:process';
import type { Invoker } from '../model/invocation.ts';
import type { Pools } from '../model/pool-snapshot.ts';
import { InstancePools, type InstancePoolsOptions } from '../pool/instance-pools.ts';
import type { HostCapacity } from '../pool/pool-context.ts';
import { Router, type RouterOptions } from './router.ts';

export interface EngineOptions extends Omit<InstancePoolsOptions, 'host'>, Pick<RouterOptions, 'callChild'> {
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

/** What this machine, or the container that the platform runs in, has to give. */
function readHostCapacity(): HostCapacity {
  const hostBytes = totalmem();
  const limitBytes = constrainedMemory();
  // 0, or more than the machine has: nothing constrains this process.
  const memoryBytes = limitBytes > 0 && limitBytes < hostBytes ? limitBytes : hostBytes;
  return { cpus: availableParallelism(), memoryBytes };
}

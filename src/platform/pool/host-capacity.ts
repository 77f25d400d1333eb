import { availableParallelism, totalmem } from 'node:os';
import { constrainedMemory } from 'node:process';

export interface HostCapacity {
  readonly cpus: number;
  readonly memoryBytes: number;
}

/** What this machine, or the container that the platform runs in, has to give. */
export function readHostCapacity(): HostCapacity {
  const hostBytes = totalmem();
  const limitBytes = constrainedMemory();
  // 0, or more than the machine has: nothing constrains this process.
  const memoryBytes = limitBytes > 0 && limitBytes < hostBytes ? limitBytes : hostBytes;
  return { cpus: availableParallelism(), memoryBytes };
}

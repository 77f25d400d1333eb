import type { Clock } from '../../../lib/clock.ts';
import type { LaunchSettings } from '../../model/function-record.ts';
import { type MemoryGroup, MemoryGroups } from './memory-groups.ts';
import { MemoryWatchdog } from './resident-memory.ts';

const MIB = 1_048_576;
/** With less than this no interpreter boots, however little the function asks for. */
const LIMIT_BYTES_MIN = 64 * MIB;
const HEAP_MB_MIN = 16;

/**
 * What one instance may use at most, which is also what is reserved for it before it is started. It is more than the
 * function's own memory: the interpreter, its code and its threads count as well.
 */
export function memoryLimitBytes({ memoryMb }: Pick<LaunchSettings, 'memoryMb'>, memoryFactor: number): number {
  return Math.max(LIMIT_BYTES_MIN, Math.ceil(memoryMb * memoryFactor) * MIB);
}

/** The function's share of it, for runtimes that take a heap limit. */
export function heapLimitMb({ memoryMb }: Pick<LaunchSettings, 'memoryMb'>): number {
  return Math.max(HEAP_MB_MIN, Math.floor(memoryMb));
}

/** A limit that holds until its worker was reaped. */
export interface WorkerLimit {
  /** Else the worker's memory is looked at from time to time. */
  readonly isHeldByKernel: boolean;
  /** Resolves when the limit holds. */
  readonly imposed: Promise<void>;
  /** Processes of the worker that the kernel killed for memory. */
  oomKills(): number;
  lift(): Promise<void>;
}

/** Holds workers to their memory limits: the kernel does where groups may be made, and a watchdog everywhere else. */
export class MemoryLimiter {
  readonly #groups: MemoryGroups | undefined;
  readonly #watchdog: MemoryWatchdog;

  constructor({ clock, name, mayUseGroups }: { clock: Clock; name: string; mayUseGroups: boolean }) {
    this.#groups = mayUseGroups ? MemoryGroups.open({ name, clock }) : undefined;
    this.#watchdog = new MemoryWatchdog(clock);
  }

  get kind(): 'cgroup' | 'watchdog' {
    return this.#groups ? 'cgroup' : 'watchdog';
  }

  /** Below it each limited worker has a folder. */
  get groupsFolder(): string | undefined {
    return this.#groups?.folder;
  }

  limit(
    worker: { readonly pid: number; readonly isReaped: boolean },
    { name, limitBytes, onExceeded }: { name: string; limitBytes: number; onExceeded: (usedBytes: number) => void },
  ): WorkerLimit {
    const group = this.#makeGroup(name, limitBytes);
    let unwatch = () => {};
    const watch = () => {
      unwatch = this.#watchdog.watch({ pid: worker.pid, limitBytes, onExceeded });
    };
    if (!group) watch();
    // A process that could not be put into its group is not left without a limit.
    const onNotJoined = () => {
      if (!worker.isReaped) watch();
    };
    const imposed = group?.join(worker.pid).catch(onNotJoined) ?? Promise.resolve();
    return {
      isHeldByKernel: group !== undefined,
      imposed,
      oomKills: () => group?.oomKills ?? 0,
      lift: async () => {
        unwatch();
        await imposed;
        await group?.remove();
      },
    };
  }

  close(): void {
    this.#groups?.close();
  }

  #makeGroup(name: string, limitBytes: number): MemoryGroup | undefined {
    try {
      return this.#groups?.create(name, limitBytes);
    } catch {
      return undefined;
    }
  }
}

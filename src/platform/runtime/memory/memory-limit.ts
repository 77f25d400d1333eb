import type { LaunchSettings } from '../../model/function-record.ts';

const MIB = 1_048_576;
/** A worker's memory is more than the function's: the interpreter, its code and its threads count as well. */
const BUDGET_FACTOR = 1.5;
/** Below this no interpreter boots, whatever the function asks for. */
const BUDGET_BYTES_MIN = 64 * MIB;
const HEAP_MB_MIN = 16;

/** What one instance may use at most, and what is reserved for it before it is started. */
export function memoryBudgetBytes({ memoryMb }: Pick<LaunchSettings, 'memoryMb'>): number {
  return Math.max(BUDGET_BYTES_MIN, Math.ceil(memoryMb * BUDGET_FACTOR) * MIB);
}

/** The function's share of it, for runtimes that can be told. */
export function heapLimitMb({ memoryMb }: Pick<LaunchSettings, 'memoryMb'>): number {
  return Math.max(HEAP_MB_MIN, Math.floor(memoryMb));
}

import { SqliteStore } from '../../../src/adapters/sqlite/store.ts';
import { systemClock } from '../../../src/adapters/system/clock.ts';

/** For the store process: opens the file that it is told, on the real clock. */
export function openStore(args: unknown): Promise<SqliteStore> {
  const { path, busyTimeoutMs } = args as { path: string; busyTimeoutMs?: number };
  return SqliteStore.open({ path, clock: systemClock, ...(busyTimeoutMs ? { busyTimeoutMs } : {}) });
}

import type { FunctionStatus, VersionRecord } from './function-record.ts';

/** How many calls of one function may run at once, whatever its versions. */
export interface ConcurrencyLimit {
  /** 0 refuses every call. */
  readonly limit: number;
  readonly whenFull: 'queue' | 'reject';
}

export interface ServedVersion extends VersionRecord {
  readonly status: FunctionStatus;
  /** Undefined: only the pool and the host limit it. */
  readonly concurrencyLimit?: ConcurrencyLimit | undefined;
}

/**
 * Which versions may be called. Asked once for each call, so it answers from memory, and with the same object until
 * something about the version has changed: that is how pools notice new settings without being told.
 */
export interface VersionDirectory {
  version(versionId: string): ServedVersion | undefined;
}

import type { FunctionStatus, VersionRecord } from './function-record.ts';

export interface ServedVersion extends VersionRecord {
  readonly status: FunctionStatus;
}

/**
 * Which versions may be called. Asked once for each call, so it answers from memory, and with the same object until
 * something about the version has changed: that is how pools notice new settings without being told.
 */
export interface VersionDirectory {
  version(versionId: string): ServedVersion | undefined;
}

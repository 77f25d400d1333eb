import path from 'node:path';
import type { Clock } from '../../../lib/clock.ts';
import type { Code, VersionRecord } from '../../model/function-record.ts';
import type { InstanceRecordings } from '../instance-recordings.ts';

export interface ProcessBackendOptions {
  readonly clock: Clock;
  /** Throws PlatformError('no-code') when there is none. */
  readonly codeOf: (version: VersionRecord) => Code | Promise<Code>;
  /** What functions see as their own name. */
  readonly nameOf: (version: VersionRecord) => string;
  /** The file of a built-in handler, an absolute path. The default handler needs none. */
  readonly builtinFile?: ((name: string) => string | undefined) | undefined;
  /** Below it each backend makes one folder for its instances. The system's folder for temporary files unless set. */
  readonly workFolder?: string | undefined;
  /** `watchdog`: does not even try to have memory limited by the kernel. */
  readonly memoryLimit?: 'auto' | 'watchdog' | undefined;
  /** Runs a function for Node 22 on the Node that is here; its instances say what they run on. */
  readonly mayTakeNearestRuntime?: boolean | undefined;
  /** Until a function is loaded: 10 s. */
  readonly initTimeoutMs?: number | undefined;
  /** Until an instance with nothing else to do begins a call: 1.5 s. */
  readonly deafMs?: number | undefined;
  /** Where functions are profiled. */
  readonly recordings?: InstanceRecordings | undefined;
}

/** Between asking a worker to end and killing it. */
export const KILL_GRACE_MS = 200;
export const RESULT_BYTES_MAX = 6 * 1_048_576;
/** Where functions find programs: our Node's folder and the system's. */
export const FUNCTION_PATH = `${path.dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin`;

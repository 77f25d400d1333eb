import os from 'node:os';
import path from 'node:path';
import type { Clock } from '../../../lib/clock.ts';
import type { Code, VersionRecord } from '../../model/function-record.ts';
import type { InstanceRecordings } from '../instance-recordings.ts';
import { BOOTSTRAP_FOLDER } from '../program/launch.ts';
import { DEFAULT_BUILTIN } from '../program/program.ts';

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

export interface BackendSettings extends Pick<ProcessBackendOptions, 'clock' | 'codeOf' | 'nameOf' | 'recordings'> {
  readonly builtinFile: (name: string) => string | undefined;
  readonly workFolder: string;
  readonly mayUseGroups: boolean;
  readonly mayTakeNearestRuntime: boolean;
  readonly initTimeoutMs: number;
  readonly deafMs: number;
}

/** Between asking a worker to end and killing it. */
export const KILL_GRACE_MS = 200;
export const RESULT_BYTES_MAX = 6 * 1_048_576;
/** Where functions find programs: our Node's folder and the system's. */
export const FUNCTION_PATH = `${path.dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin`;

export function settle(options: ProcessBackendOptions): BackendSettings {
  const { clock, codeOf, nameOf, recordings } = options;
  return {
    clock,
    codeOf,
    nameOf,
    recordings,
    builtinFile: (name) =>
      name === DEFAULT_BUILTIN ? path.join(BOOTSTRAP_FOLDER, 'default-handler.cjs') : options.builtinFile?.(name),
    workFolder: options.workFolder ?? os.tmpdir(),
    mayUseGroups: options.memoryLimit !== 'watchdog',
    mayTakeNearestRuntime: options.mayTakeNearestRuntime ?? false,
    initTimeoutMs: options.initTimeoutMs ?? 10_000,
    deafMs: options.deafMs ?? 1_500,
  };
}

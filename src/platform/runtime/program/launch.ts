import { fileURLToPath } from 'node:url';
import type { Code, VersionRecord } from '../../model/function-record.ts';
import { PlatformError } from '../../model/platform-error.ts';
import { heapLimitMb } from '../memory/memory-limit.ts';
import { type Interpreter, type Interpreters, parseRuntime } from './interpreters.ts';
import { type Program, readProgram } from './program.ts';
import type { WorkFolder } from './work-folder.ts';

/** The programs that run inside workers. They are laid beside the compiled files as they are. */
export const BOOTSTRAP_FOLDER = fileURLToPath(new URL('../bootstrap/', import.meta.url));

/** What is to run, and what runs it: executables run themselves. */
export interface Launch {
  readonly program: Program;
  readonly interpreter: Interpreter | undefined;
}

export interface LaunchSources {
  readonly codeOf: (version: VersionRecord) => Code | Promise<Code>;
  readonly builtinFile: (name: string) => string | undefined;
  readonly interpreters: Interpreters;
}

/** Throws PlatformError('runtime-unavailable' | 'no-code' | 'init-failed'). */
export async function prepareLaunch(
  version: VersionRecord,
  { codeOf, builtinFile, interpreters }: LaunchSources,
): Promise<Launch> {
  const { runtime, handler } = version.launch;
  const requested = parseRuntime(runtime);
  if (!requested) {
    const detail = `${runtime} is no runtime of this platform: it has node, python and provided executables`;
    throw new PlatformError('runtime-unavailable', detail, { field: 'runtime' });
  }
  const code = await codeOf(version);
  const program = readProgram({ code, family: requested.family, handler, runtime, builtinFile });
  if (program.family !== 'node' && version.launch.concurrency > 1) {
    const detail = `${runtime} takes one call at a time: set the concurrency to 1`;
    throw new PlatformError('init-failed', detail, { field: 'concurrency' });
  }
  switch (program.family) {
    case 'node': {
      // What ships with the platform runs on the platform's own Node, even where the function asked for another.
      const ownNode = { family: 'node', major: undefined, minor: undefined } as const;
      const isItsOwn = requested.family === 'node' && program.files.size > 0;
      return { program, interpreter: interpreters.node(isItsOwn ? requested : ownNode, runtime) };
    }
    case 'python':
      return { program, interpreter: await interpreters.python(requested, runtime) };
    case 'executable':
      return { program, interpreter: undefined };
  }
}

/** Of an interpreter that boots one of our bootstraps. */
export function bootArgs(
  { program }: Launch,
  { version, isProfiled }: { version: VersionRecord; isProfiled: boolean },
): string[] {
  if (program.family === 'python') return ['-B', `${BOOTSTRAP_FOLDER}python_worker.py`];
  return [
    ...(isProfiled ? ['--require', `${BOOTSTRAP_FOLDER}profile-agent.cjs`] : []),
    `--max-old-space-size=${heapLimitMb(version.launch)}`,
    // A function need not be warned how its file came to be a module.
    '--disable-warning=MODULE_TYPELESS_PACKAGE_JSON',
    `${BOOTSTRAP_FOLDER}node-worker.cjs`,
  ];
}

/**
 * The whole environment of a worker. Nothing of ours is in it, because ours has secrets. The function's own
 * variables come before the defaults and after what it could break itself with.
 */
export function launchEnvironment(of: {
  readonly version: VersionRecord;
  readonly functionName: string;
  readonly instanceId: string;
  readonly folder: WorkFolder;
  readonly path: string;
  readonly runtimeApi?: string | undefined;
}): Record<string, string> {
  const { version, functionName, instanceId, folder, path, runtimeApi } = of;
  return {
    PATH: path,
    LANG: 'C.UTF-8',
    TZ: ':UTC',
    ...version.launch.environment,
    HOME: folder.home,
    TMPDIR: folder.temporary,
    LAMBDA_TASK_ROOT: folder.code,
    _HANDLER: version.launch.handler,
    AWS_LAMBDA_FUNCTION_NAME: functionName,
    AWS_LAMBDA_FUNCTION_VERSION: version.versionId,
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(version.launch.memoryMb),
    AWS_LAMBDA_LOG_GROUP_NAME: functionName,
    AWS_LAMBDA_LOG_STREAM_NAME: instanceId,
    ...(runtimeApi === undefined ? {} : { AWS_LAMBDA_RUNTIME_API: runtimeApi }),
  };
}

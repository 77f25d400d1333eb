import type { VersionRecord } from '../../model/function-record.ts';
import { PlatformError } from '../../model/platform-error.ts';
import { heapLimitMb } from '../memory/memory-limit.ts';
import { type BackendSettings, BOOTSTRAP_FOLDER } from '../process/backend-options.ts';
import type { Interpreter, Interpreters } from './interpreters.ts';
import { type Program, readProgram } from './program.ts';
import { runtimeWish } from './runtime-family.ts';

/** What is to run, and what runs it: executables run themselves. */
export interface Launch {
  readonly program: Program;
  readonly interpreter: Interpreter | undefined;
}

/** Throws PlatformError('runtime-unavailable' | 'no-code' | 'init-failed'). */
export async function prepareLaunch(
  version: VersionRecord,
  {
    settings: { codeOf, builtinFile },
    interpreters,
  }: { settings: Pick<BackendSettings, 'codeOf' | 'builtinFile'>; interpreters: Interpreters },
): Promise<Launch> {
  const { runtime, handler } = version.launch;
  const wish = runtimeWish(runtime);
  if (!wish) {
    const detail = `${runtime} is no runtime of this platform: it has node, python and provided executables`;
    throw new PlatformError('runtime-unavailable', detail, { field: 'runtime' });
  }
  const code = await codeOf(version);
  const program = readProgram({ code, family: wish.family, handler, runtime, builtinFile });
  if (program.family !== 'node' && version.launch.concurrency > 1) {
    const detail = `${runtime} takes one call at a time: set the concurrency to 1`;
    throw new PlatformError('init-failed', detail, { field: 'concurrency' });
  }
  switch (program.family) {
    case 'node': {
      // What ships with the platform runs on the platform's own Node, whatever the function asked for.
      const ownNode = { family: 'node', major: undefined, minor: undefined } as const;
      const isItsOwn = wish.family === 'node' && program.files.size > 0;
      return { program, interpreter: interpreters.node(isItsOwn ? wish : ownNode, runtime) };
    }
    case 'python':
      return { program, interpreter: await interpreters.python(wish, runtime) };
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
    // How a function's file came to be a module is no news to it.
    '--disable-warning=MODULE_TYPELESS_PACKAGE_JSON',
    `${BOOTSTRAP_FOLDER}node-worker.cjs`,
  ];
}

import { faultOfPath } from '../../model/file-path.ts';
import type { Code, RuntimeFamily } from '../../model/function-record.ts';
import { PlatformError } from '../../model/platform-error.ts';

/** Code made ready to be laid out and loaded: which files, which of them to begin with, what to look for in it. */
export interface Program {
  readonly family: RuntimeFamily;
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** Inside the folder, or an absolute path of a handler that ships with the platform. */
  readonly entry: string;
  /** What the entry has to offer; of no meaning for an executable. */
  readonly exportName: string;
}

/** Answers calls for functions that were registered with one bare word in place of code. */
export const DEFAULT_BUILTIN = 'default';

const BARE_WORD = /^[A-Za-z_$][\w$]*$/;
const NODE_ENDINGS = ['.js', '.mjs', '.cjs', '.ts', '.mts', '.cts'];
const DEFAULT_MODULE: Readonly<Record<RuntimeFamily, string>> = {
  node: 'index',
  python: 'main',
  executable: 'bootstrap',
};

/** Code that is no program: nothing, or one bare word. */
export function isNoProgram(text: string): boolean {
  const trimmed = text.trim();
  return trimmed === '' || BARE_WORD.test(trimmed);
}

/** Throws PlatformError when there is nothing that could run. */
export function readProgram(of: {
  readonly code: Code;
  readonly family: RuntimeFamily;
  readonly handler: string;
  readonly runtime: string;
  readonly builtinFile: (name: string) => string | undefined;
}): Program {
  const { code, family, handler, runtime, builtinFile } = of;
  switch (code.kind) {
    case 'builtin':
      return builtin(code.name, builtinFile);
    case 'source':
      if (isNoProgram(code.text)) return builtin(DEFAULT_BUILTIN, builtinFile);
      return fromSource(code.text, family, handler, runtime);
    case 'files':
      if (code.files.size === 0) throw new PlatformError('no-code', 'the version has no files; deploy its code');
      return fromFiles(code.files, family, handler);
  }
}

function builtin(name: string, fileOf: (name: string) => string | undefined): Program {
  const entry = fileOf(name);
  if (entry === undefined) throw new PlatformError('no-code', `there is no built-in handler ${JSON.stringify(name)}`);
  return { family: 'node', files: new Map(), entry, exportName: 'handler' };
}

function fromSource(text: string, family: RuntimeFamily, handler: string, runtime: string): Program {
  const bytes = Buffer.from(text);
  if (family === 'executable') {
    if (!text.startsWith('#!')) {
      throw new PlatformError(
        'runtime-unavailable',
        `${runtime} source is not compiled here: deploy the built executable, which speaks the Lambda Runtime API, or a script that begins with #!`,
        { field: 'code' },
      );
    }
    return { family, files: new Map([['bootstrap', bytes]]), entry: 'bootstrap', exportName: '' };
  }
  const { module, exportName } = splitHandler(handler, family);
  const entry = hasEnding(module, family) ? module : `${module}${family === 'node' ? '.js' : '.py'}`;
  requirePath(entry);
  return { family, files: new Map([[entry, bytes]]), entry, exportName };
}

function fromFiles(files: ReadonlyMap<string, Uint8Array>, family: RuntimeFamily, handler: string): Program {
  for (const path of files.keys()) requirePath(path);
  if (family === 'executable') {
    const entry = [handler, 'bootstrap'].find((name) => files.has(name));
    if (entry) return { family, files, entry, exportName: '' };
    throw new PlatformError('init-failed', `the files hold neither ${JSON.stringify(handler)} nor bootstrap`);
  }
  const { module, exportName } = splitHandler(handler, family);
  const endings = hasEnding(module, family) ? [''] : family === 'node' ? NODE_ENDINGS : ['.py', '/__init__.py'];
  const entry = endings.map((ending) => module + ending).find((path) => files.has(path));
  if (entry) return { family, files, entry, exportName };
  throw new PlatformError(
    'init-failed',
    `the handler ${JSON.stringify(handler)} asks for ${JSON.stringify(module + (endings[0] ?? ''))}, which is not among the files`,
  );
}

/** `index.handler`, `src/app.handler`, `app.main.handler` in Python; a file name alone, or a function's name alone. */
function splitHandler(handler: string, family: RuntimeFamily): { module: string; exportName: string } {
  if (handler === '') return { module: DEFAULT_MODULE[family], exportName: 'handler' };
  if (hasEnding(handler, family)) return { module: handler, exportName: 'handler' };
  const slash = handler.lastIndexOf('/');
  const dot = family === 'python' ? handler.lastIndexOf('.') : handler.indexOf('.', slash + 1);
  if (dot <= slash) return { module: DEFAULT_MODULE[family], exportName: handler.slice(slash + 1) };
  const module = handler.slice(0, dot);
  return {
    module: family === 'python' ? module.replaceAll('.', '/') : module,
    exportName: handler.slice(dot + 1),
  };
}

function hasEnding(name: string, family: RuntimeFamily): boolean {
  return (family === 'node' ? NODE_ENDINGS : ['.py']).some((ending) => name.endsWith(ending));
}

function requirePath(path: string): void {
  const fault = faultOfPath(path);
  if (fault) throw new PlatformError('init-failed', `the path ${JSON.stringify(path)} ${fault}`);
}

import { execFile } from 'node:child_process';
import type { RuntimeFamily } from '../../model/function-record.ts';
import { PlatformError } from '../../model/platform-error.ts';

/** What the name of a runtime asks for. No version: any that is there. */
export interface RequestedRuntime {
  readonly family: RuntimeFamily;
  readonly major: number | undefined;
  readonly minor: number | undefined;
}

const NODE = /^node(?:js)?(\d{1,3})?(?:\.x)?$/;
/** `python`, `python3`, `python3.13`, and `python313` as some write it. */
const PYTHON = /^python(?:(\d)(?:\.?(\d{1,2}))?)?$/;
const EXECUTABLE = /^(?:go|go1\.x|rust|provided(?:\.[a-z0-9]+)?)$/;

/** Undefined: no family that runs here (Java, Ruby and .NET are such). */
export function parseRuntime(runtime: string): RequestedRuntime | undefined {
  const node = NODE.exec(runtime);
  if (node) return { family: 'node', major: numberOf(node[1]), minor: undefined };
  const python = PYTHON.exec(runtime);
  if (python) return { family: 'python', major: numberOf(python[1]), minor: numberOf(python[2]) };
  if (EXECUTABLE.test(runtime)) return { family: 'executable', major: undefined, minor: undefined };
  return undefined;
}

const numberOf = (digits: string | undefined) => (digits === undefined ? undefined : Number(digits));

/** What really runs a function. */
export interface Interpreter {
  readonly command: string;
  /** For people and execution records, such as `node 24.21.0`. */
  readonly title: string;
}

const PROBE_TIMEOUT_MS = 10_000;
const PYTHON_PROBE = 'import sys; print(sys.executable); print("%d.%d.%d" % sys.version_info[:3])';

interface FoundPython extends Interpreter {
  readonly major: number;
  readonly minor: number;
}

/** The interpreters of this machine. Each is looked at once, unless it did not answer: what is installed later is found after a restart. */
export class Interpreters {
  readonly #path: string;
  readonly #mayTakeNearest: boolean;
  readonly #pythons = new Map<string, Promise<FoundPython | undefined>>();

  constructor(options: { path: string; mayTakeNearest: boolean }) {
    this.#path = options.path;
    this.#mayTakeNearest = options.mayTakeNearest;
  }

  node({ major }: RequestedRuntime, runtime: string): Interpreter {
    const ours = Number(process.versions.node.split('.')[0]);
    if (major !== undefined && major !== ours && !this.#mayTakeNearest) throw unavailable(runtime, `Node ${ours}`);
    return { command: process.execPath, title: `node ${process.versions.node}` };
  }

  async python({ major, minor }: RequestedRuntime, runtime: string): Promise<Interpreter> {
    const exact = minor === undefined ? undefined : `python${major}.${minor}`;
    for (const name of exact ? [exact, 'python3'] : ['python3']) {
      const found = await this.#findPython(name);
      if (!found) continue;
      const fits = (major ?? found.major) === found.major && (minor ?? found.minor) === found.minor;
      if (fits || (name === 'python3' && this.#mayTakeNearest)) return found;
    }
    const here = await this.#findPython('python3');
    throw unavailable(runtime, here ? `Python ${here.major}.${here.minor}` : undefined);
  }

  #findPython(name: string): Promise<FoundPython | undefined> {
    let found = this.#pythons.get(name);
    if (!found) {
      found = this.#probePython(name);
      this.#pythons.set(name, found);
    }
    return found;
  }

  /** Asks for the interpreter behind the name: a version manager's shim costs more than the interpreter's own boot. */
  #probePython(name: string): Promise<FoundPython | undefined> {
    return new Promise((resolve) => {
      execFile(
        name,
        ['-c', PYTHON_PROBE],
        { env: { PATH: this.#path, HOME: process.env['HOME'] ?? '/' }, timeout: PROBE_TIMEOUT_MS },
        (error, output) => {
          const [command, version] = output.trim().split('\n');
          const [major, minor] = (version ?? '').split('.').map(Number);
          if (error || !command || major === undefined || minor === undefined) {
            // A machine that was too busy to answer in time is asked again.
            if (error?.code !== 'ENOENT') this.#pythons.delete(name);
            resolve(undefined);
          } else resolve({ command, title: `python ${version}`, major, minor });
        },
      );
    });
  }
}

function unavailable(runtime: string, here: string | undefined): PlatformError {
  const advice = here
    ? `${here} is: deploy the function for that, install what it asks for, or allow the nearest runtime`
    : 'install it';
  return new PlatformError('runtime-unavailable', `${runtime} is not installed on this machine. ${advice}.`, {
    field: 'runtime',
  });
}

import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { launchForOthers } from './checkout-for-others.ts';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Another user, where this one is root. */
  readonly uid?: number;
  /** Instead of `src/main.ts` on this Node. */
  readonly program?: readonly string[];
  readonly nodeFlags?: readonly string[];
}

/** One command in a process of its own, as a person or a script runs it. */
export class StarlingProcess {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  stdout = '';
  stderr = '';

  constructor(args: readonly string[], options: RunOptions = {}) {
    const { node, main } = options.uid === undefined ? { node: process.execPath, main: MAIN } : launchForOthers();
    const [file = node, ...before] = options.program ?? [node, ...(options.nodeFlags ?? []), main];
    this.child = spawn(file, [...before, ...args], {
      env: { ...withoutOptions(process.env), ...options.env },
      cwd: options.cwd,
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(options.uid === undefined ? {} : { uid: options.uid, gid: options.uid }),
    });
    this.child.stdout?.on('data', (chunk: Buffer) => {
      this.stdout += chunk.toString();
    });
    this.child.stderr?.on('data', (chunk: Buffer) => {
      this.stderr += chunk.toString();
    });
    this.ended = new Promise((resolve, reject) => {
      this.child.once('error', reject);
      this.child.once('close', (code, signal) => {
        process.off('exit', kill);
        resolve({ code, signal, stdout: this.stdout, stderr: this.stderr });
      });
    });
    const kill = () => this.child.kill('SIGKILL');
    // A test run that is killed leaves nothing behind.
    process.once('exit', kill);
  }

  /** Resolves as soon as standard output (or standard error) has this. */
  async says(pattern: RegExp, stream: 'stdout' | 'stderr' = 'stdout'): Promise<void> {
    const source = this.child[stream];
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const look = () => {
      if (pattern.test(this[stream])) resolve();
    };
    source?.on('data', look);
    void this.ended.then(({ code }) =>
      reject(new Error(`ended with ${code} before ${pattern}: ${this.stdout}${this.stderr}`)),
    );
    look();
    try {
      await promise;
    } finally {
      source?.off('data', look);
    }
  }
}

export function starling(args: readonly string[], options: RunOptions = {}): Promise<Ended> {
  return new StarlingProcess(args, options).ended;
}

/** What the machine sets must not configure the command under test. */
function withoutOptions(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const kept = Object.entries(env).filter(
    ([name]) => !name.startsWith('STARLING_') && !['NO_COLOR', 'FORCE_COLOR', 'NODE_OPTIONS'].includes(name),
  );
  return Object.fromEntries(kept);
}

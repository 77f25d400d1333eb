import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const STARTED_WITHIN_MS = 60_000;

export interface LogLine {
  readonly event?: string;
  readonly time: string;
  readonly [field: string]: unknown;
}

/** One replica as its own process, as it runs in production, with its log as objects. */
export class MemberProcess {
  readonly lines: LogLine[] = [];
  readonly #child: ChildProcess;
  readonly #ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  readonly #watchers = new Set<() => void>();
  #rest = '';
  #stderr = '';

  constructor(args: readonly string[], environment: Readonly<Record<string, string>> = {}) {
    this.#child = spawn(process.execPath, [MAIN, ...args], {
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child.stdout?.on('data', (chunk: Buffer) => this.#read(chunk.toString()));
    this.#child.stderr?.on('data', (chunk: Buffer) => {
      this.#stderr += chunk.toString();
    });
    this.#ended = new Promise((resolve) => {
      this.#child.once('exit', (code, signal) => {
        resolve({ code, signal });
        for (const watch of this.#watchers) watch();
      });
    });
    // A test run that is killed leaves nothing behind.
    const atExit = () => this.#child.kill('SIGKILL');
    process.once('exit', atExit);
    this.#child.once('exit', () => process.off('exit', atExit));
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get stderr(): string {
    return this.#stderr;
  }

  get ended(): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
    return this.#ended;
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** The first line with this event, those that were already written included. */
  async event(event: string, withinMs = STARTED_WITHIN_MS): Promise<LogLine> {
    const { promise, resolve, reject } = Promise.withResolvers<LogLine>();
    const look = () => {
      const line = this.lines.find((each) => each.event === event);
      if (line) resolve(line);
      else if (this.#child.exitCode !== null)
        reject(new Error(`ended with ${this.#child.exitCode} before ${event}: ${this.#tail()}`));
    };
    const timer = setTimeout(() => reject(new Error(`no ${event} within ${withinMs} ms: ${this.#tail()}`)), withinMs);
    this.#watchers.add(look);
    look();
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      this.#watchers.delete(look);
    }
  }

  async stop(): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
    this.kill('SIGTERM');
    return this.#ended;
  }

  #tail(): string {
    return `${this.#stderr}\n${this.lines
      .slice(-20)
      .map((line) => JSON.stringify(line))
      .join('\n')}`;
  }

  #read(text: string): void {
    const parts = (this.#rest + text).split('\n');
    this.#rest = parts.pop() ?? '';
    for (const part of parts) {
      if (part === '') continue;
      try {
        this.lines.push(JSON.parse(part) as LogLine);
      } catch {
        this.#stderr += `${part}\n`;
      }
    }
    for (const watch of this.#watchers) watch();
  }
}

/** Polls until `check` gives something; for what only outside processes bring about. */
export async function until<T>(
  what: string,
  withinMs: number,
  check: () => T | undefined | false | Promise<T | undefined | false>,
): Promise<T> {
  const endMs = Date.now() + withinMs;
  for (;;) {
    const found = await check();
    if (found !== undefined && found !== false) return found;
    if (Date.now() > endMs) throw new Error(`not within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

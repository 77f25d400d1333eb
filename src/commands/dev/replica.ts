import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Clock } from '../../lib/clock.ts';
import type { ServiceAddresses } from '../../wiring/service.ts';

/** In a checkout Node runs the .ts file as it is; in the package there is only the compiled one. */
const MAIN = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? '../../main.ts' : '../../main.js', import.meta.url),
);
const STDERR_TAIL_MAX = 4_000;

/** How the launcher starts what runs for long. */
const LAUNCHED: {
  readonly flags: readonly string[];
  readonly flagsOf: Readonly<Record<string, readonly string[]>>;
  readonly environment: Readonly<Record<string, string>>;
} = JSON.parse(readFileSync(new URL('../../../bin/service-process.json', import.meta.url), 'utf8'));

export interface ReplicaEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The end of what it wrote to standard error. */
  readonly stderrTail: string;
}

/**
 * One `starling autoscale` in a process of its own: killing it is a crash as in production. It ends with us, because the
 * channel between us closes with either.
 */
export class Replica {
  readonly number: number;
  readonly pid: number;
  /** Where its admin API listens. */
  readonly port: number;
  readonly ended: Promise<ReplicaEnd>;
  readonly #child: ChildProcess;
  #metrics: string | undefined;
  #isReady = false;
  #hasEnded = false;
  readonly #ready = Promise.withResolvers<void>();

  private constructor(child: ChildProcess, options: { number: number; pid: number; port: number }) {
    this.#child = child;
    this.number = options.number;
    this.pid = options.pid;
    this.port = options.port;
    let stderrTail = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      stderrTail = (stderrTail + chunk.toString()).slice(-STDERR_TAIL_MAX);
    });
    child.once('message', (addresses) => {
      this.#isReady = true;
      this.#metrics = (addresses as ServiceAddresses).metrics;
      this.#ready.resolve();
    });
    this.ended = new Promise((resolve) => {
      // Not `exit`: the last lines may still be in the pipe.
      child.once('close', (code, signal) => {
        this.#hasEnded = true;
        this.#ready.resolve();
        resolve({ code, signal, stderrTail: stderrTail.trim() });
      });
    });
  }

  static async start(options: {
    number: number;
    port: number;
    args: readonly string[];
    /** Its log goes there; closed here. */
    logDescriptor: number;
  }): Promise<Replica> {
    const { number, port, args, logDescriptor } = options;
    const { flags, env } = serviceProcess('autoscale', process.env);
    const child = spawn(process.execPath, [...flags, MAIN, 'autoscale', '--child', ...args], {
      env,
      // Its own group: what is typed at our terminal is for us, and we stop the parts in order.
      detached: true,
      stdio: ['ignore', logDescriptor, 'pipe', 'ipc'],
    });
    closeSync(logDescriptor);
    if (child.pid === undefined) return new Promise((_, reject) => child.once('error', reject));
    child.on('error', () => {});
    return new Replica(child, { number, pid: child.pid, port });
  }

  /** It has started and has not ended. */
  get isServing(): boolean {
    return this.#isReady && !this.#hasEnded;
  }

  /** Where its metrics are, once it serves. */
  get metricsUrl(): string | undefined {
    return this.#metrics === undefined ? undefined : `http://${this.#metrics}/metrics`;
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Resolves when its loops run, or when it has ended. */
  get settled(): Promise<void> {
    return this.#ready.promise;
  }

  kill(): void {
    if (!this.#hasEnded) this.#child.kill('SIGKILL');
  }

  /** Asks it to hand over, and kills it when it has not after `graceMs`. */
  async stop({ clock, graceMs }: { clock: Clock; graceMs: number }): Promise<void> {
    if (this.#hasEnded) return;
    this.#child.kill('SIGTERM');
    const cancel = clock.after(graceMs, () => this.#child.kill('SIGKILL'));
    await this.ended;
    cancel();
  }
}

/** The same for a command that is started without it. An operator's own heap settings win. */
export function serviceProcess(
  command: string,
  env: NodeJS.ProcessEnv,
): { flags: readonly string[]; env: NodeJS.ProcessEnv } {
  const isTuned = /semi[-_]space/.test(env['NODE_OPTIONS'] ?? '');
  return {
    flags: isTuned ? [] : [...LAUNCHED.flags, ...(LAUNCHED.flagsOf[command] ?? [])],
    env: { ...LAUNCHED.environment, ...env },
  };
}

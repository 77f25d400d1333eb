import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync } from 'node:fs';
import type { Socket } from 'node:net';
import { finished } from 'node:stream/promises';
import { type Clock, sleep } from '../../../lib/clock.ts';
import type { HandlerFault } from '../transport/call-transport.ts';
import type { LineRing } from './line-ring.ts';

export interface WorkerExit {
  readonly code: number | null;
  readonly signal: string | null;
}

export interface WorkerOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly folder: string;
  readonly environment: Readonly<Record<string, string>>;
  /** With it the worker gets a channel on descriptor 3 and this open file, which is closed here, on descriptor 4. */
  readonly receiptFile: number | undefined;
  readonly ring: LineRing;
  readonly clock: Clock;
}

/** How long output that is still on its way is waited for once the process has ended. */
const DRAIN_MS = 200;

/**
 * One operating-system process that leads its own process group, with its output going into a ring. When it ends, by
 * itself or not, what is left of its group is killed.
 */
export class WorkerProcess {
  readonly pid: number;
  readonly channel: Socket | undefined;
  /** Resolves once, after the process was reaped, its output read and its descriptors closed. */
  readonly gone: Promise<WorkerExit>;
  readonly #child: ChildProcess;
  readonly #clock: Clock;
  isReaped = false;
  #cancelKill: (() => void) | undefined;
  #killMs = Number.POSITIVE_INFINITY;

  private constructor(child: ChildProcess, pid: number, options: WorkerOptions) {
    this.#child = child;
    this.#clock = options.clock;
    this.pid = pid;
    this.channel = (child.stdio[3] as Socket | null | undefined) ?? undefined;
    child.stdout?.on('data', (bytes: Buffer) => options.ring.write('stdout', bytes));
    child.stderr?.on('data', (bytes: Buffer) => options.ring.write('stderr', bytes));
    // A reset while the process ends says nothing that its end does not say.
    for (const stream of this.#streams()) stream.on('error', () => {});
    this.gone = this.#watchEnd();
  }

  /** Rejects with what the system says when there is no such program, or no room for one more process. */
  static async spawn(options: WorkerOptions): Promise<WorkerProcess> {
    const { command, args, folder, environment, receiptFile } = options;
    let child: ChildProcess;
    try {
      child = spawn(command, args, {
        cwd: folder,
        env: environment,
        detached: true,
        stdio: ['ignore', 'pipe', 'pipe', ...(receiptFile === undefined ? [] : (['pipe', receiptFile] as const))],
      });
    } finally {
      if (receiptFile !== undefined) closeSync(receiptFile);
    }
    if (child.pid !== undefined) return new WorkerProcess(child, child.pid, options);
    return new Promise((_, reject) => child.once('error', reject));
  }

  /** Asks the group to end and kills it when it does not, at the earliest of the times that were given; at once with no grace. */
  end(graceMs: number): void {
    if (this.isReaped) return;
    if (graceMs <= 0) {
      this.#cancelKill?.();
      this.#signalGroup('SIGKILL');
      return;
    }
    this.#signalGroup('SIGTERM');
    const killMs = this.#clock.monotonicMs() + graceMs;
    if (killMs >= this.#killMs) return;
    this.#killMs = killMs;
    this.#cancelKill?.();
    this.#cancelKill = this.#clock.after(graceMs, () => this.#signalGroup('SIGKILL'));
  }

  #signalGroup(signal: NodeJS.Signals): void {
    try {
      process.kill(-this.pid, signal);
    } catch {
      // No process is left in the group.
    }
  }

  async #watchEnd(): Promise<WorkerExit> {
    const exit = await new Promise<WorkerExit>((resolve) => {
      this.#child.once('exit', (code, signal) => resolve({ code, signal }));
    });
    this.isReaped = true;
    this.#cancelKill?.();
    // The number of the group is not given away while a process is in it; and there was no time for another to take it.
    this.#signalGroup('SIGKILL');
    await this.#drain();
    for (const stream of this.#streams()) stream.destroy();
    return exit;
  }

  /** A process that had left the group may hold the pipes open without end; that is not waited for. */
  async #drain(): Promise<void> {
    const ended = new AbortController();
    const ends = this.#streams().map((stream) => finished(stream, { writable: false }));
    await Promise.race([Promise.allSettled(ends), sleep(this.#clock, DRAIN_MS, ended.signal).catch(() => {})]);
    ended.abort();
  }

  #streams(): Socket[] {
    const { stdout, stderr } = this.#child;
    return [stdout, stderr, this.channel].filter(Boolean) as Socket[];
  }
}

/** Why we ended the process, where we did. */
export type Ending =
  | { readonly kind: 'stopped' | 'timeout' | 'deaf' | 'caller-gone' }
  | { readonly kind: 'broken' | 'out-of-memory'; readonly detail: string };

/** How a worker came to its end, in words for its callers. */
export interface WorkerEnd extends HandlerFault {
  readonly isOutOfMemory: boolean;
}

const STDERR_CHARS_MAX = 1_500;
/** V8's last words. */
const HEAP_EXHAUSTED = 'JavaScript heap out of memory';
const DETAIL_LINES_MAX = 12;

/** `lines`: what it wrote during its last call. `oomKills`: processes of it that the kernel killed for memory. */
export function describeEnd(
  exit: WorkerExit,
  known: { ending: Ending | undefined; lines: readonly string[]; oomKills: () => number },
): WorkerEnd {
  const { ending, lines, oomKills } = known;
  const tail = lines.slice(-DETAIL_LINES_MAX).join('\n').slice(-STDERR_CHARS_MAX);
  if (ending?.kind === 'out-of-memory') return outOfMemory(ending.detail);
  if (exit.signal === 'SIGKILL' && !ending && oomKills() > 0) {
    return outOfMemory('it used more memory than its limit allows, and the kernel killed it');
  }
  if (exit.signal !== null && lines.some((line) => line.includes(HEAP_EXHAUSTED))) return outOfMemory(HEAP_EXHAUSTED);
  const message = textOf(exit, ending, tail);
  return { errorType: 'Runtime.ExitError', message, stack: tail, isOutOfMemory: false };
}

function textOf(exit: WorkerExit, ending: Ending | undefined, tail: string): string {
  switch (ending?.kind) {
    case 'broken':
      return `it was ended because it ${ending.detail}`;
    case 'stopped':
      return 'the instance was stopped';
    case 'timeout':
      return 'another call on this instance took too long, and the instance was ended';
    case 'deaf':
      return 'the instance did not react, and was ended';
    case 'caller-gone':
      return 'the caller went away, and the instance was ended';
    default: {
      const how = exit.signal ? `was killed by ${exit.signal}` : `exited with code ${exit.code}`;
      return tail === '' ? `the process ${how}` : `the process ${how}: ${tail}`;
    }
  }
}

function outOfMemory(message: string): WorkerEnd {
  return { errorType: 'Runtime.OutOfMemory', message, stack: '', isOutOfMemory: true };
}

import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/**
 * A small process that outlives whoever started the nodes. It holds the reading end of a pipe; when the pipe closes,
 * also because the writer was killed, it kills the nodes that are left and removes their folders.
 */
export class Guard {
  readonly #child = spawn(process.execPath, [fileURLToPath(import.meta.url)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });

  constructor() {
    this.#child.unref();
    this.#child.stdin.on('error', () => {});
    // The pipe alone must not keep a test process alive.
    (this.#child.stdin as unknown as { unref?: () => void }).unref?.();
  }

  watch(pid: number): void {
    this.#child.stdin.write(`watch ${pid}\n`);
  }

  forget(pid: number): void {
    this.#child.stdin.write(`forget ${pid}\n`);
  }

  own(folder: string): void {
    this.#child.stdin.write(`own ${folder}\n`);
  }

  release(): void {
    this.#child.stdin.end();
  }
}

function guard(): void {
  const pids = new Set<number>();
  const folders = new Set<string>();
  const lines = createInterface({ input: process.stdin });
  lines.on('line', (line) => {
    const [verb, ...rest] = line.split(' ');
    const argument = rest.join(' ');
    if (verb === 'watch') pids.add(Number(argument));
    if (verb === 'forget') pids.delete(Number(argument));
    if (verb === 'own') folders.add(argument);
  });
  lines.on('close', () => {
    for (const pid of pids) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // Gone already.
      }
    }
    for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  });
  // Ctrl-C reaches the whole terminal; the guard leaves only when its pipe closes.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
}

if (process.argv[1] === fileURLToPath(import.meta.url)) guard();

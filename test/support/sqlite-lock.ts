import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

/** A process that begins to write a SQLite file and is then frozen: everybody else who wants to write waits for it. */
export class SqliteLock {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  static async take(path: string): Promise<SqliteLock> {
    const child = spawn(process.execPath, ['--no-warnings', '-e', LOCKER, path], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    process.once('exit', () => child.kill('SIGKILL'));
    await once(child.stdout, 'data');
    child.kill('SIGSTOP');
    return new SqliteLock(child);
  }

  /** Its end gives the file back, as a crash would. */
  async release(): Promise<void> {
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await ended;
  }
}

const LOCKER = `
  const { DatabaseSync } = require('node:sqlite');
  const db = new DatabaseSync(process.argv[1], { timeout: 10000 });
  db.exec('BEGIN EXCLUSIVE');
  process.stdout.write('locked');
  setInterval(() => {}, 1000);
`;

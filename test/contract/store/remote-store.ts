import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Store } from '../../../src/ports/store.ts';
import { StoreError, type StoreErrorKind } from '../../../src/ports/store-error.ts';
import type { Order, Reply } from './store-process.ts';

const SCRIPT = fileURLToPath(new URL('./store-process.ts', import.meta.url));

/** A child process in which stores are opened, so that a case may race real processes and kill one. */
export class StoreProcess {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  #nextId = 0;
  #nextStore = 0;

  private constructor(child: ChildProcess) {
    this.#child = child;
    child.on('message', (reply: Reply) => this.#onReply(reply));
    child.on('exit', () => {
      for (const { reject } of this.#waiting.values()) reject(new Error('the store process ended'));
      this.#waiting.clear();
    });
  }

  /** `opener`: the URL of a module that exports `openStore(args): Promise<Store>`. */
  static async start(opener: URL): Promise<StoreProcess> {
    const child = fork(SCRIPT, [opener.href], { serialization: 'advanced', execArgv: [] });
    const storeProcess = new StoreProcess(child);
    await new Promise<void>((resolve, reject) => {
      storeProcess.#waiting.set(-1, { resolve: () => resolve(), reject });
    });
    return storeProcess;
  }

  get isAlive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  async open(args: unknown): Promise<Store> {
    const number = this.#nextStore++;
    await this.#order({ kind: 'open', store: number, args });
    const call =
      (...path: string[]) =>
      (...args: unknown[]): Promise<never> =>
        this.#order({ kind: 'call', store: number, path, args }) as Promise<never>;
    const role = (name: string) => new Proxy({}, { get: (_, method) => call(name, String(method)) });
    return {
      roster: role('roster') as Store['roster'],
      duties: role('duties') as Store['duties'],
      catalogue: role('catalogue') as Store['catalogue'],
      states: role('states') as Store['states'],
      ledger: role('ledger') as Store['ledger'],
      controls: role('controls') as Store['controls'],
      agree: call('agree'),
      readLayout: call('readLayout'),
      ping: call('ping'),
      close: async () => {
        if (this.isAlive) await call('close')();
      },
    };
  }

  /** kill -9, and returns when the process is gone. */
  async kill(): Promise<void> {
    if (!this.isAlive) return;
    const gone = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill('SIGKILL');
    await gone;
  }

  #order(
    order:
      | { kind: 'open'; store: number; args: unknown }
      | { kind: 'call'; store: number; path: string[]; args: unknown[] },
  ) {
    const id = this.#nextId++;
    return new Promise<unknown>((resolve, reject) => {
      if (!this.isAlive) {
        reject(new Error('the store process ended'));
        return;
      }
      this.#waiting.set(id, { resolve, reject });
      this.#child.send({ ...order, id } satisfies Order);
    });
  }

  #onReply(reply: Reply): void {
    const waiting = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    if (!reply.error) {
      waiting?.resolve(reply.value);
      return;
    }
    const { type, kind, message } = reply.error;
    if (type === 'StoreError') waiting?.reject(new StoreError(kind as StoreErrorKind, message));
    else waiting?.reject(type === 'RangeError' ? new RangeError(message) : new Error(message));
  }
}

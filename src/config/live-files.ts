import { type FSWatcher, readFileSync, statSync, watch } from 'node:fs';
import { dirname } from 'node:path';
import type { Clock } from '../lib/clock.ts';

/** A value that may change while the process runs. */
export interface Live<Value> {
  /** Call it for every use. */
  current(): Value;
  /** Called after each change; the returned function ends that. */
  subscribe(listener: (value: Value) => void): () => void;
  close(): void;
}

export type LiveFilesEvent =
  | { readonly kind: 'loaded' | 'reloaded'; readonly name: string; readonly files: readonly string[] }
  /** What was known before stays in force. */
  | { readonly kind: 'failed'; readonly name: string; readonly files: readonly string[]; readonly error: Error }
  /** Everyone on the machine can read it. */
  | { readonly kind: 'exposed'; readonly name: string; readonly file: string; readonly mode: string }
  /** A client certificate is in use, and ends then. */
  | { readonly kind: 'certificate'; readonly name: string; readonly expiresMs: number };

export interface LiveFilesOptions<Value> {
  /** What it is, for messages: `store.cassandra.password`. */
  readonly name: string;
  readonly files: readonly string[];
  /** Gets the contents in the order of `files`; throws when they are not fit for use, also together. */
  readonly parse: (contents: readonly string[]) => Value;
  readonly clock: Clock;
  readonly onEvent?: (event: LiveFilesEvent) => void;
  /** Files that only the owner should read: an event says when everyone can. */
  readonly confidential?: readonly string[];
  readonly pollMs?: number;
  readonly debounceMs?: number;
}

const FILE_BYTES_MAX = 1_048_576;

/** A file of the configuration could not be used. At the start that is fatal; later it is an event. */
export class FileFault extends Error {
  override readonly name = 'FileFault';
}

/**
 * Files that are read again whenever they change, as a whole or not at all. The directory is watched and not the file:
 * Kubernetes swaps a symbolic link beside it (`..data`), and editors rename. A poll sees what the kernel does not
 * report, on network file systems for instance. Reads are synchronous, because the files are small.
 */
export class LiveFiles<Value> implements Live<Value> {
  readonly #options: LiveFilesOptions<Value>;
  readonly #listeners = new Set<(value: Value) => void>();
  readonly #watchers = new Map<string, FSWatcher>();
  readonly #exposed = new Set<string>();
  #contents: readonly string[];
  #value: Value;
  #signature: string;
  #lastFailure: string | undefined;
  #cancelPoll: () => void = () => {};
  #cancelCheck: (() => void) | undefined;
  #isClosed = false;

  /** Throws FileFault when the files cannot be used now. */
  constructor(options: LiveFilesOptions<Value>) {
    this.#options = options;
    this.#signature = this.#readSignature();
    this.#contents = this.#readAll();
    this.#value = this.#parse(this.#contents);
    this.#emit({ kind: 'loaded', name: options.name, files: options.files });
    this.#watch();
    this.#poll();
  }

  current(): Value {
    return this.#value;
  }

  subscribe(listener: (value: Value) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): void {
    this.#isClosed = true;
    this.#cancelPoll();
    this.#cancelCheck?.();
    for (const watcher of this.#watchers.values()) watcher.close();
    this.#watchers.clear();
    this.#listeners.clear();
  }

  #watch(): void {
    for (const directory of new Set(this.#options.files.map((file) => dirname(file)))) {
      if (this.#watchers.has(directory)) continue;
      try {
        const watcher = watch(directory, { persistent: false }, () => this.#checkSoon());
        watcher.on('error', () => this.#unwatch(directory));
        this.#watchers.set(directory, watcher);
      } catch {
        // The poll goes on, and tries to watch again.
      }
    }
  }

  #unwatch(directory: string): void {
    this.#watchers.get(directory)?.close();
    this.#watchers.delete(directory);
  }

  #poll(): void {
    this.#cancelPoll = this.#options.clock.after(this.#options.pollMs ?? 10_000, () => {
      if (this.#isClosed) return;
      this.#watch();
      // While something is wrong it is tried again, changed or not.
      if (this.#lastFailure !== undefined || this.#readSignature() !== this.#signature) this.#check();
      this.#poll();
    });
  }

  /** A file is rarely written in one go: wait until it is quiet. */
  #checkSoon(): void {
    if (this.#isClosed) return;
    this.#cancelCheck?.();
    this.#cancelCheck = this.#options.clock.after(this.#options.debounceMs ?? 250, () => this.#check());
  }

  #check(): void {
    if (this.#isClosed) return;
    this.#cancelCheck = undefined;
    const { name, files } = this.#options;
    try {
      const before = this.#readSignature();
      const contents = this.#readAll();
      if (this.#readSignature() !== before) {
        this.#checkSoon();
        return;
      }
      const isChanged = contents.some((content, index) => content !== this.#contents[index]);
      const value = isChanged ? this.#parse(contents) : this.#value;
      this.#signature = before;
      this.#lastFailure = undefined;
      if (!isChanged) return;
      this.#contents = contents;
      this.#value = value;
      this.#emit({ kind: 'reloaded', name, files });
      this.#notify(value);
    } catch (error) {
      this.#reportOnce(error as Error);
    }
  }

  /** A listener that throws must neither keep the value from the others nor undo it. */
  #notify(value: Value): void {
    const { name, files } = this.#options;
    for (const listener of this.#listeners) {
      try {
        listener(value);
      } catch (cause) {
        const error = new Error(`${name}: taking over the new value failed: ${(cause as Error).message}`, { cause });
        this.#emit({ kind: 'failed', name, files, error });
      }
    }
  }

  /** The poll would otherwise repeat the same failure for as long as it lasts. */
  #reportOnce(error: Error): void {
    if (this.#lastFailure === error.message) return;
    this.#lastFailure = error.message;
    this.#emit({ kind: 'failed', name: this.#options.name, files: this.#options.files, error });
  }

  #readAll(): readonly string[] {
    return this.#options.files.map((file) => this.#read(file));
  }

  #read(file: string): string {
    const { name } = this.#options;
    try {
      const { size, mode } = statSync(file);
      if (size > FILE_BYTES_MAX) throw new FileFault(`it has ${size} bytes, and ${FILE_BYTES_MAX} are allowed`);
      this.#noteMode(file, mode);
      return readFileSync(file, 'utf8');
    } catch (error) {
      throw new FileFault(`${name}: ${file} cannot be read: ${(error as Error).message}`, { cause: error });
    }
  }

  #noteMode(file: string, mode: number): void {
    if (!this.#options.confidential?.includes(file) || this.#exposed.has(file)) return;
    if ((mode & 0o004) === 0 || process.platform === 'win32') return;
    this.#exposed.add(file);
    this.#emit({ kind: 'exposed', name: this.#options.name, file, mode: (mode & 0o777).toString(8) });
  }

  #parse(contents: readonly string[]): Value {
    try {
      return this.#options.parse(contents);
    } catch (error) {
      const { name, files } = this.#options;
      throw new FileFault(`${name}: ${files.join(', ')} cannot be used: ${(error as Error).message}`, { cause: error });
    }
  }

  /** Follows symbolic links, so a swapped link is a change. */
  #readSignature(): string {
    return this.#options.files
      .map((file) => {
        const stat = statSync(file, { throwIfNoEntry: false, bigint: true });
        return stat ? `${stat.dev}:${stat.ino}:${stat.size}:${stat.mtimeNs}` : 'absent';
      })
      .join(' ');
  }

  #emit(event: LiveFilesEvent): void {
    this.#options.onEvent?.(event);
  }
}

/** What never changes, where something that may change is asked for. */
export function fixed<Value>(value: Value): Live<Value> {
  return { current: () => value, subscribe: () => () => {}, close() {} };
}

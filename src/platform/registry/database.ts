import { dirname } from 'node:path';
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { makeFolder } from '../../lib/make-folder.ts';
import { REGISTRY_STEPS } from './schema.ts';

/** Each statement is prepared once. Values are only ever bound, never written into the text. */
export class Sql {
  readonly #db: DatabaseSync;
  readonly #prepared = new Map<string, StatementSync>();

  constructor(db: DatabaseSync) {
    this.#db = db;
  }

  /** The only writer of these tables is this program, so what is in a row is what was put there. */
  all<Row = Record<string, unknown>>(text: string, ...values: SQLInputValue[]): Row[] {
    return this.#prepare(text).all(...values) as Row[];
  }

  get<Row = Record<string, unknown>>(text: string, ...values: SQLInputValue[]): Row | undefined {
    return this.#prepare(text).get(...values) as Row | undefined;
  }

  /** Returns how many rows it changed. */
  run(text: string, ...values: SQLInputValue[]): number {
    return Number(this.#prepare(text).run(...values).changes);
  }

  #prepare(text: string): StatementSync {
    let statement = this.#prepared.get(text);
    if (!statement) {
      statement = this.#db.prepare(text);
      this.#prepared.set(text, statement);
    }
    return statement;
  }

  /** All of `work` or none of it. Nothing may await inside: a second caller would write into the same transaction. */
  transaction<T>(work: () => T): T {
    this.#db.exec('BEGIN IMMEDIATE');
    try {
      const result = work();
      this.#db.exec('COMMIT');
      return result;
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
      throw error;
    }
  }

  close(): void {
    this.#prepared.clear();
    if (this.#db.isOpen) this.#db.close();
  }
}

/** A data folder that cannot be used: one line, with what to do. */
export class RegistryFileError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'RegistryFileError';
  }
}

/** Result codes of SQLite that a person can do something about. */
const ADVICE: Readonly<Record<number, string>> = {
  5: 'another platform runs on this data folder; stop it, or choose another --data-dir',
  8: 'the file or its folder is read-only; give this user the right to write there',
  10: 'the disk reports an error; the file must lie on a sound local disk',
  11: 'the file is damaged; restore it from a backup, or start with an empty folder',
  13: 'the disk is full; make room',
  14: 'its folder must exist and be writable for this user',
  23: 'the system refuses access to the file',
  26: 'this is not an SQLite file; choose another --data-dir',
};

/**
 * One process owns the file for as long as it runs: two platforms on one registry would each start instances for the same
 * wish. `:memory:` keeps nothing.
 */
export function openRegistryDatabase(path: string): DatabaseSync {
  let db: DatabaseSync | undefined;
  try {
    if (path !== ':memory:') makeFolder(dirname(path));
    db = new DatabaseSync(path, { timeout: 1_000, enableForeignKeyConstraints: true });
    db.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL');
    // FULL, so that a fencing token survives power loss: with NORMAL the last commits may be gone, and an older writer let in.
    db.exec('PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 67108864');
    makeTables(db, path);
    return db;
  } catch (error) {
    db?.close();
    throw explainFileError(error, path);
  }
}

function makeTables(db: DatabaseSync, path: string): void {
  // Also takes the lock that is then kept.
  new Sql(db).transaction(() => {
    const version = Number(db.prepare('PRAGMA user_version').get()?.['user_version'] ?? 0);
    // A file of a newer program is refused, not guessed at.
    if (version > REGISTRY_STEPS.length) {
      throw new RegistryFileError(
        `the registry ${path} is of version ${version}, this program knows ${REGISTRY_STEPS.length}; use the program that wrote it, or another --data-dir`,
      );
    }
    for (const step of REGISTRY_STEPS.slice(version)) db.exec(step);
    db.exec(`PRAGMA user_version = ${REGISTRY_STEPS.length}`);
  });
}

/** An error of SQLite with advice for a person; any other error as it is. */
export function explainFileError(error: unknown, path: string): unknown {
  if (error instanceof RegistryFileError || !(error instanceof Error)) return error;
  const code = 'errcode' in error && typeof error.errcode === 'number' ? error.errcode & 0xff : undefined;
  const isFileInTheWay = 'code' in error && error.code === 'EEXIST';
  const advice = code !== undefined || isFileInTheWay ? ADVICE[code ?? 14] : 'name a folder where this user may write';
  return new RegistryFileError(`the registry ${path}: ${error.message}${advice ? `; ${advice}` : ''}`, {
    cause: error,
  });
}

import { mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { isBusy } from './failure.ts';
import type { WorkerOptions } from './messages.ts';
import { SCHEMA, SQLITE_SCHEMA_VERSION } from './schema.ts';

/** Several processes may open a new file at the same moment; each waits for the others so many times as long as for a write. */
const PATIENCE = 4;
const TURN_MS = 20;
const PAGE_BYTES = 4096;

/** A file that some other version of this program wrote. */
export class SchemaMismatch extends Error {}

/** Opens the file, makes it what we need, and leaves a second opener nothing to do. */
export function openDatabase(options: WorkerOptions): DatabaseSync {
  makeFolder(dirname(options.path));
  const db = new DatabaseSync(options.path, { timeout: options.busyTimeoutMs });
  try {
    // The switch to WAL asks for the file alone and does not wait for it, whatever the timeout says.
    inTurn(options, () => db.exec('PRAGMA journal_mode = WAL'));
    // FULL, so that a token survives power loss: with NORMAL the last commits may be gone and a token be given out twice.
    db.exec('PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 67108864');
    if (options.fileBytesMax !== undefined) {
      db.exec(`PRAGMA max_page_count = ${Math.max(1, Math.floor(options.fileBytesMax / PAGE_BYTES))}`);
    }
    inTurn(options, () => makeTables(db));
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/**
 * Folder by folder: Node's own recursive mkdir never comes back where the system says "no such entry" for a folder whose
 * parent is there, as /proc does, and a thread that hangs in it cannot even be ended.
 */
function makeFolder(folder: string): void {
  if (isFolder(folder)) return;
  makeFolder(dirname(folder));
  try {
    mkdirSync(folder);
  } catch (error) {
    // Another process may have made the same one.
    if (!isFolder(folder)) throw error;
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function makeTables(db: DatabaseSync): void {
  if (versionOf(db) === SQLITE_SCHEMA_VERSION) return;
  db.exec('BEGIN IMMEDIATE');
  try {
    const version = versionOf(db);
    if (version !== 0 && version !== SQLITE_SCHEMA_VERSION) {
      throw new SchemaMismatch(
        `its tables are of version ${version}, this program needs ${SQLITE_SCHEMA_VERSION}; use the program that wrote the file, or another file`,
      );
    }
    db.exec(SCHEMA);
    db.exec(`PRAGMA user_version = ${SQLITE_SCHEMA_VERSION}`);
    db.exec('COMMIT');
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error;
  }
}

function versionOf(db: DatabaseSync): number {
  return Number(db.prepare('PRAGMA user_version').get()?.['user_version'] ?? 0);
}

function inTurn({ busyTimeoutMs }: WorkerOptions, step: () => void): void {
  const endMs = performance.now() + PATIENCE * busyTimeoutMs;
  for (;;) {
    try {
      step();
      return;
    } catch (error) {
      if (!isBusy(error) || performance.now() > endMs) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, TURN_MS);
    }
  }
}

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** A file of its own for one test, and a stranger who can lock the writers out. */
export class ScratchFile {
  readonly folder = mkdtempSync(join(tmpdir(), 'starling-sqlite-'));
  readonly path = join(this.folder, 'store.db');
  #stranger: DatabaseSync | undefined;

  /** As a process that was stopped in the middle of a transaction. */
  lockOut(): void {
    this.#stranger = new DatabaseSync(this.path);
    this.#stranger.exec('BEGIN IMMEDIATE');
  }

  letIn(): void {
    this.#stranger?.close();
    this.#stranger = undefined;
  }

  remove(): void {
    this.letIn();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

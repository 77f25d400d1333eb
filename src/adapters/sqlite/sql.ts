import type { DatabaseSync, StatementSync } from 'node:sqlite';

/** Each statement is prepared once. Values are only ever bound, never written into the text. */
export class Sql {
  readonly db: DatabaseSync;
  readonly #prepared = new Map<string, StatementSync>();
  readonly #preparedForArrays = new Map<string, StatementSync>();

  constructor(db: DatabaseSync) {
    this.db = db;
  }

  prepare(text: string): StatementSync {
    let statement = this.#prepared.get(text);
    if (!statement) {
      statement = this.db.prepare(text);
      this.#prepared.set(text, statement);
    }
    return statement;
  }

  /**
   * Rows as arrays of columns: to hand 100,000 rows from thread to thread took a third of the time that objects took
   * (100 ms against 560 ms, with 22 ms on the receiving thread against 190 ms).
   */
  prepareForArrays(text: string): StatementSync {
    let statement = this.#preparedForArrays.get(text);
    if (!statement) {
      statement = this.db.prepare(text);
      statement.setReturnArrays(true);
      this.#preparedForArrays.set(text, statement);
    }
    return statement;
  }
}

/** A row as it comes back from `prepareForArrays`; each table knows its own columns. */
export type Columns = readonly unknown[];

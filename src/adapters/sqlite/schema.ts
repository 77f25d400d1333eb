/** Raised with every change of the tables below; a file of another version is refused, not guessed at. */
export const SQLITE_SCHEMA_VERSION = 1;

/**
 * STRICT, so that a wrong type is an error where it is written. Rows of a bucket lie side by side (WITHOUT ROWID), since
 * that is how they are read. `token` is 64 bits wide and is always read through CAST AS TEXT: as a float it would be rounded.
 */
export const SCHEMA = `
  CREATE TABLE IF NOT EXISTS settings (
    name TEXT PRIMARY KEY, value TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE IF NOT EXISTS members (
    member_id TEXT PRIMARY KEY, beat INTEGER NOT NULL, state TEXT NOT NULL, version TEXT NOT NULL,
    address TEXT NOT NULL, weight REAL NOT NULL, expires_ms INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE IF NOT EXISTS duties (
    duty TEXT PRIMARY KEY, token INTEGER NOT NULL, holder TEXT NOT NULL, nonce TEXT NOT NULL, renewals INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE IF NOT EXISTS active_versions (
    bucket INTEGER NOT NULL, version_id TEXT NOT NULL, function_id TEXT NOT NULL, account TEXT NOT NULL,
    profiles TEXT NOT NULL, seen_ms INTEGER NOT NULL, discovery_token INTEGER NOT NULL, expires_ms INTEGER NOT NULL,
    PRIMARY KEY (bucket, version_id)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE IF NOT EXISTS function_state (
    bucket INTEGER NOT NULL, version_id TEXT NOT NULL, token INTEGER NOT NULL, nonce TEXT NOT NULL, phase TEXT NOT NULL,
    holder TEXT NOT NULL, wanted INTEGER NOT NULL, previous INTEGER, reason TEXT NOT NULL, claimed_ms INTEGER NOT NULL,
    applied INTEGER, applied_token INTEGER NOT NULL, outcome TEXT NOT NULL, settled_ms INTEGER NOT NULL,
    memo TEXT NOT NULL,
    PRIMARY KEY (bucket, version_id)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE IF NOT EXISTS ledger (
    entry_id INTEGER PRIMARY KEY, version_id TEXT NOT NULL, at_ms INTEGER NOT NULL, entry TEXT NOT NULL,
    expires_ms INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS ledger_by_version ON ledger (version_id, at_ms);
  CREATE INDEX IF NOT EXISTS ledger_by_expiry ON ledger (expires_ms);

  CREATE TABLE IF NOT EXISTS controls (
    kind TEXT NOT NULL, version_id TEXT NOT NULL, until_ms INTEGER NOT NULL, control TEXT NOT NULL,
    PRIMARY KEY (kind, version_id)
  ) STRICT, WITHOUT ROWID;
`;

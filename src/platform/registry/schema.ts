/**
 * STRICT, so that a wrong type is an error where it is written. `token` is 64 bits wide and is always read through CAST AS
 * TEXT: as a float it would be rounded. Fences outlive their versions by a month: an id that comes back is still ordered. Functions
 * keep their row ids, which say in which order they were made.
 */
const FUNCTIONS = `
  CREATE TABLE functions (
    function_id TEXT PRIMARY KEY, namespace TEXT NOT NULL, name TEXT NOT NULL, account TEXT NOT NULL,
    active_version_id TEXT, triggers TEXT NOT NULL, created_ms INTEGER NOT NULL, updated_ms INTEGER NOT NULL
  ) STRICT;

  CREATE UNIQUE INDEX functions_by_name ON functions (namespace, name) WHERE namespace <> 'orchestrator';

  CREATE TABLE aliases (
    alias TEXT PRIMARY KEY, function_id TEXT NOT NULL REFERENCES functions ON DELETE CASCADE
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE code (
    code_hash TEXT PRIMARY KEY, kind TEXT NOT NULL, text TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE code_files (
    code_hash TEXT NOT NULL REFERENCES code ON DELETE CASCADE, path TEXT NOT NULL, bytes BLOB NOT NULL,
    PRIMARY KEY (code_hash, path)
  ) STRICT;

  CREATE TABLE versions (
    version_id TEXT PRIMARY KEY, function_id TEXT NOT NULL REFERENCES functions ON DELETE CASCADE,
    number INTEGER NOT NULL, deploy_id TEXT NOT NULL, code_hash TEXT NOT NULL REFERENCES code,
    launch TEXT NOT NULL, pool TEXT NOT NULL, status TEXT NOT NULL, status_detail TEXT NOT NULL,
    deployment_id TEXT NOT NULL UNIQUE, specification_id TEXT NOT NULL, configuration TEXT, policy TEXT,
    created_ms INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE INDEX versions_by_function ON versions (function_id, number);
  CREATE INDEX versions_by_code ON versions (code_hash);

  CREATE TABLE gone_versions (
    version_id TEXT PRIMARY KEY, function_id TEXT NOT NULL, account TEXT NOT NULL, deleted_ms INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE fences (
    version_id TEXT PRIMARY KEY, token INTEGER NOT NULL, body TEXT NOT NULL, answer TEXT NOT NULL, accepted_ms INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
`;

/**
 * Triggers go with their function, or with the version that they are of, and what waits for them goes too. Messages keep the
 * order in which they came: AUTOINCREMENT never gives a number twice, so a message that is gone is never taken for another.
 */
const TRIGGERS = `
  CREATE TABLE triggers (
    trigger_id TEXT PRIMARY KEY, function_id TEXT NOT NULL REFERENCES functions ON DELETE CASCADE,
    version_id TEXT REFERENCES versions ON DELETE CASCADE, is_enabled INTEGER NOT NULL, settings TEXT NOT NULL,
    due_ms INTEGER, created_ms INTEGER NOT NULL, updated_ms INTEGER NOT NULL
  ) STRICT;

  CREATE INDEX triggers_by_function ON triggers (function_id);
  CREATE INDEX triggers_by_version ON triggers (version_id);

  CREATE TABLE messages (
    number INTEGER PRIMARY KEY AUTOINCREMENT, message_id TEXT NOT NULL,
    trigger_id TEXT NOT NULL REFERENCES triggers ON DELETE CASCADE, state TEXT NOT NULL, attempts INTEGER NOT NULL,
    due_ms INTEGER NOT NULL, enqueued_ms INTEGER NOT NULL, payload BLOB NOT NULL, last_error TEXT NOT NULL
  ) STRICT;

  CREATE INDEX messages_by_state ON messages (trigger_id, state, due_ms, number);
`;

/** Each step leads from one version of the file to the next. What has been released is never changed: it gets another step. */
export const REGISTRY_STEPS: readonly string[] = [FUNCTIONS, TRIGGERS];

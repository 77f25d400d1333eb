/** One step of the schema, applied once and in order. Only what Cassandra 4.1 understands. */
export interface Migration {
  readonly id: string;
  readonly cql: string;
}

/** What `Layout.schemaVersion` is for members that run on these tables. Raised when old members could not use them any more. */
export const SCHEMA_VERSION = 1;

/**
 * A table is changed only by compare-and-set or never by it: a plain write in between could be hidden by the time stamp
 * of a conditional one, or hide one that was reported as applied.
 */
export const MIGRATIONS: readonly Migration[] = [
  {
    // Never by compare-and-set. One writer per row; the TTL only cleans up.
    id: '001-members',
    cql: `CREATE TABLE IF NOT EXISTS members (
      cluster text, member_id text, beat bigint, state text, version text, address text, weight int,
      PRIMARY KEY (cluster, member_id)) WITH gc_grace_seconds = 10800`,
  },
  {
    // Only by compare-and-set. gc_grace_seconds is also how long the nodes keep Paxos state under legacy purging.
    id: '002-duties',
    cql: `CREATE TABLE IF NOT EXISTS duties (
      duty text PRIMARY KEY, fence bigint, holder text, nonce text, renewals bigint) WITH gc_grace_seconds = 10800`,
  },
  {
    // Never by compare-and-set. Written by the holder of the discovery duty, time stamps by the nodes, always with a TTL.
    id: '003-active-functions',
    cql: `CREATE TABLE IF NOT EXISTS active_functions (
      bucket int, version_id text, function_id text, account text, profiles text, seen_ms bigint, discovery_fence bigint,
      PRIMARY KEY (bucket, version_id)) WITH gc_grace_seconds = 10800`,
  },
  {
    // Only by compare-and-set; no TTL, because a token that expired would start again below one already seen.
    id: '004-function-state',
    cql: `CREATE TABLE IF NOT EXISTS function_state (
      bucket int, version_id text, fence bigint, nonce text, phase text, holder text, wanted int, previous int,
      reason text, claimed_ms bigint, applied int, applied_fence bigint, outcome text, settled_ms bigint, memo text,
      PRIMARY KEY (bucket, version_id)) WITH gc_grace_seconds = 10800`,
  },
  {
    // Never by compare-and-set; append only, always with a TTL.
    id: '005-decisions',
    cql: `CREATE TABLE IF NOT EXISTS decisions (
      version_id text, day int, at timeuuid, function_id text, verdict text, previous int, wanted int, actual int,
      policy text, reasons text, utilisation text, demand text, holder text, fence bigint, outcome text, detail text,
      PRIMARY KEY ((version_id, day), at)) WITH CLUSTERING ORDER BY (at DESC) AND gc_grace_seconds = 10800
      AND compaction = {'class': 'TimeWindowCompactionStrategy', 'compaction_window_unit': 'DAYS', 'compaction_window_size': 1}`,
  },
  {
    // Never by compare-and-set. Few rows, read whole once per cycle. Deleted by people, so tombstones live the usual time.
    id: '006-controls',
    cql: `CREATE TABLE IF NOT EXISTS controls (
      cluster text, kind text, version_id text, wanted int, until_ms bigint, by_whom text, why text,
      PRIMARY KEY (cluster, kind, version_id))`,
  },
];

/** Comes before all others: it keeps the lock and the list of what was applied. Only by compare-and-set. */
export const SETTINGS_TABLE =
  'CREATE TABLE IF NOT EXISTS settings (name text PRIMARY KEY, value text) WITH gc_grace_seconds = 10800';

export function migrationKey(id: string): string {
  return `migration:${id}`;
}

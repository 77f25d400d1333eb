import type { ActiveVersion } from '../../../domain/active-version.ts';
import type { Bucket } from '../../../domain/bucket.ts';
import type { Columns, Sql } from '../sql.ts';

export function enrolVersions(sql: Sql, bucket: Bucket, versions: readonly ActiveVersion[], expiresMs: number): void {
  const upsert = sql.prepare('INSERT OR REPLACE INTO active_versions VALUES (?, ?, ?, ?, ?, ?, ?, ?)');
  for (const version of versions) {
    upsert.run(
      bucket,
      version.versionId,
      version.functionId,
      version.account,
      JSON.stringify(version.profiles),
      Math.round(version.seenMs),
      version.discoveryToken,
      Math.round(expiresMs),
    );
  }
}

/** One query however many buckets: the list is bound as one JSON text. */
export function readVersions(sql: Sql, buckets: readonly Bucket[], nowMs: number): Columns[] {
  return sql
    .prepareForArrays(
      `SELECT bucket, version_id, function_id, account, profiles, seen_ms, CAST(discovery_token AS TEXT)
       FROM active_versions WHERE bucket IN (SELECT value FROM json_each(?)) AND expires_ms > ?`,
    )
    .all(JSON.stringify(buckets), Math.round(nowMs)) as unknown as Columns[];
}

/** Turns the rows into values; the few different lists of profiles and tokens are parsed once each. */
export function toActiveVersions(rows: readonly Columns[]): ActiveVersion[] {
  const profilesOf = once((text) => JSON.parse(text) as readonly string[]);
  const tokenOf = once(BigInt);
  return rows.map((row) => ({
    bucket: row[0] as number,
    versionId: row[1] as string,
    functionId: row[2] as string,
    account: row[3] as string,
    profiles: profilesOf(row[4] as string),
    seenMs: row[5] as number,
    discoveryToken: tokenOf(row[6] as string),
  }));
}

function once<T>(parse: (text: string) => T): (text: string) => T {
  const parsed = new Map<string, T>();
  return (text) => {
    let value = parsed.get(text);
    if (value === undefined) {
      value = parse(text);
      parsed.set(text, value);
    }
    return value;
  };
}

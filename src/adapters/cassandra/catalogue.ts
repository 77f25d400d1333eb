import type { ActiveVersion } from '../../domain/active-version.ts';
import type { Bucket } from '../../domain/bucket.ts';
import type { Catalogue } from '../../ports/catalogue.ts';
import { readBuckets } from './read-buckets.ts';
import { intKey, type Row, type Session } from './session.ts';

const ENROL =
  'INSERT INTO active_functions (bucket, version_id, function_id, account, profiles, seen_ms, discovery_fence)' +
  ' VALUES (?, ?, ?, ?, ?, ?, ?) USING TTL ?';
const READ =
  'SELECT version_id, function_id, account, profiles, seen_ms, discovery_fence FROM active_functions WHERE bucket = ?';

const BATCH_ROWS = 50;

export class CassandraCatalogue implements Catalogue {
  readonly #session: Session;

  constructor(session: Session) {
    this.#session = session;
  }

  async enrol(bucket: Bucket, versions: readonly ActiveVersion[], options: { ttlSeconds: number }): Promise<void> {
    const writes = versions.map(({ versionId, functionId, account, profiles, seenMs, discoveryToken }) => {
      const seen = [BigInt(Math.round(seenMs)), discoveryToken, options.ttlSeconds];
      return { query: ENROL, params: [bucket, versionId, functionId, account, JSON.stringify(profiles), ...seen] };
    });
    for (let from = 0; from < writes.length; from += BATCH_ROWS) {
      await this.#session.writeTogether('enrol', writes.slice(from, from + BATCH_ROWS), intKey(bucket));
    }
  }

  async read(buckets: readonly Bucket[]): Promise<ActiveVersion[]> {
    const load = async (bucket: Bucket) => {
      const rows = await this.#session.rows('active-read', READ, [bucket]);
      return rows.map((row) => toActiveVersion(bucket, row));
    };
    return await readBuckets(buckets, this.#session.options.readsInFlight, load);
  }
}

function toActiveVersion(bucket: Bucket, row: Row): ActiveVersion {
  return {
    bucket,
    versionId: row['version_id'] as string,
    functionId: row['function_id'] as string,
    account: row['account'] as string,
    profiles: JSON.parse(row['profiles'] as string) as string[],
    seenMs: Number(row['seen_ms']),
    discoveryToken: row['discovery_fence'] as bigint,
  };
}

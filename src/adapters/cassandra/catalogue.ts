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

export function catalogueOn(session: Session): Catalogue {
  return {
    async enrol(bucket, versions, { ttlSeconds }) {
      const writes = versions.map(({ versionId, functionId, account, profiles, seenMs, discoveryToken }) => {
        const seen = [BigInt(Math.round(seenMs)), discoveryToken, ttlSeconds];
        return { query: ENROL, params: [bucket, versionId, functionId, account, JSON.stringify(profiles), ...seen] };
      });
      for (let from = 0; from < writes.length; from += BATCH_ROWS) {
        await session.writeTogether('enrol', writes.slice(from, from + BATCH_ROWS), intKey(bucket));
      }
    },
    read: (buckets) =>
      readBuckets(buckets, session.options.readsInFlight, async (bucket) => {
        const rows = await session.rows('active-read', READ, [bucket]);
        return rows.map((row) => toActiveVersion(bucket, row));
      }),
  };
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

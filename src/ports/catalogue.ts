import type { ActiveVersion } from '../domain/active-version.ts';
import type { Bucket } from '../domain/bucket.ts';

/** The active function versions, by bucket. Rows age out `ttlSeconds` after their last enrolment. */
export interface Catalogue {
  /** Writes rows of one bucket; the newest enrolment wins by the store's own clock, never by a writer's. */
  enrol(bucket: Bucket, versions: readonly ActiveVersion[], options: { ttlSeconds: number }): Promise<void>;
  /** Every row of these buckets exactly once. */
  read(buckets: readonly Bucket[]): Promise<ActiveVersion[]>;
}

import { BUCKET_COUNT, type Bucket } from '../domain/bucket.ts';
import { murmur3 } from '../lib/murmur.ts';

/** The bucket of a version: the same for every member at all times, so the count is fixed when a store is first used. */
export function placeVersion(versionId: string, bucketCount: number = BUCKET_COUNT): Bucket {
  return murmur3(versionId) % bucketCount;
}

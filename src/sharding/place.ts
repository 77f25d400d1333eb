import murmurhash from 'murmurhash';
import { BUCKET_COUNT, type Bucket } from '../domain/bucket.ts';

const encoder = new TextEncoder();
/** Longer than any id; reused, for a buffer for each of 100,000 ids would take longer than hashing them. */
const buffer = new Uint8Array(1024);

/** The bucket of a version: the same for every member at all times, so the count is fixed when a store is first used. */
export function placeVersion(versionId: string, bucketCount: number = BUCKET_COUNT): Bucket {
  const { read, written } = encoder.encodeInto(versionId, buffer);
  const bytes = read === versionId.length ? buffer.subarray(0, written) : versionId;
  return murmurhash.v3(bytes, 0) % bucketCount;
}

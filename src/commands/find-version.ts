import type { ActiveVersion } from '../domain/active-version.ts';
import { BUCKET_COUNT } from '../domain/bucket.ts';
import type { Store } from '../ports/store.ts';
import { placeVersion } from '../sharding/place.ts';

/** The row of an active version. Where the metrics carry the bucket its id does not tell it, and all are looked through. */
export async function findVersion(
  store: Store,
  versionId: string,
  { isPlacedByLabel }: { isPlacedByLabel: boolean },
): Promise<ActiveVersion | undefined> {
  const buckets = isPlacedByLabel
    ? Array.from({ length: BUCKET_COUNT }, (_, bucket) => bucket)
    : [placeVersion(versionId)];
  const versions = await store.catalogue.read(buckets);
  return versions.find((version) => version.versionId === versionId);
}

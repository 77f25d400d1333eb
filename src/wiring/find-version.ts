import type { ActiveVersion } from '../domain/active-version.ts';
import { BUCKET_COUNT } from '../domain/bucket.ts';
import { printableLine } from '../lib/printable.ts';
import type { Store } from '../ports/store.ts';
import { placeVersion } from '../sharding/place.ts';

const ALL_BUCKETS = Array.from({ length: BUCKET_COUNT }, (_, bucket) => bucket);
/** Fewer characters than this are too few to find a version by. */
const BEGINNING_MIN = 4;
const LISTED_MAX = 5;

/** Several ids begin with what was given. */
export class UnclearVersionError extends Error {
  constructor(given: string, versionIds: readonly string[]) {
    const shown = versionIds.slice(0, LISTED_MAX).map((id) => `  ${printableLine(id)}`);
    const more = versionIds.length > LISTED_MAX ? [`  and ${versionIds.length - LISTED_MAX} more`] : [];
    super([`${printableLine(given)} begins several version ids; give more of it:`, ...shown, ...more].join('\n'));
    this.name = 'UnclearVersionError';
  }
}

/**
 * The active version with this id, or else the only one whose id begins so: people read ids to each other by their first
 * digits. Where the metrics carry the bucket the id does not tell it, and all are looked through.
 */
export async function findVersion(
  store: Store,
  given: string,
  { isPlacedByLabel }: { isPlacedByLabel: boolean },
): Promise<ActiveVersion | undefined> {
  const versions = await store.catalogue.read(isPlacedByLabel ? ALL_BUCKETS : [placeVersion(given)]);
  return versions.find(({ versionId }) => versionId === given) ?? findByBeginning(store, given);
}

/** Looks through all active versions. */
export async function findByBeginning(store: Store, given: string): Promise<ActiveVersion | undefined> {
  if (given.length < BEGINNING_MIN) return undefined;
  const versions = await store.catalogue.read(ALL_BUCKETS);
  const meant = versions.filter(({ versionId }) => versionId.startsWith(given));
  if (meant.length <= 1) return meant[0];
  throw new UnclearVersionError(given, meant.map(({ versionId }) => versionId).sort());
}

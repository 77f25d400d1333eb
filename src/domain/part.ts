import type { Bucket } from './bucket.ts';

/**
 * A slice of the fleet that one set of queries reads. `buckets` is set where the metrics carry a bucket label; `prefixes`
 * where the slice is cut by the first letters of the version id, `otherPrefixes` where it is what those leave over; none of
 * them where it is everything.
 */
export interface Part {
  readonly name: string;
  readonly buckets: readonly Bucket[] | undefined;
  readonly prefixes: readonly string[] | undefined;
  /** The slice holds the ids that begin with none of these. */
  readonly otherPrefixes?: readonly string[] | undefined;
}

/** Tells which versions the queries of `part` would show. */
export function shownBy(part: Part): (version: { versionId: string; bucket: Bucket }) => boolean {
  const { buckets, prefixes, otherPrefixes } = part;
  if (buckets) {
    const those = new Set(buckets);
    return ({ bucket }) => those.has(bucket);
  }
  if (prefixes) return ({ versionId }) => prefixes.some((prefix) => versionId.startsWith(prefix));
  if (otherPrefixes) return ({ versionId }) => !otherPrefixes.some((prefix) => versionId.startsWith(prefix));
  return () => true;
}

/** Gives each version to the first part whose queries show it; one pass over the versions, however many parts there are. */
export function dealOut<T extends { readonly version: { versionId: string; bucket: Bucket } }>(
  parts: readonly Part[],
  all: Iterable<T>,
): T[][] {
  const shown = parts.map(shownBy);
  const hands: T[][] = parts.map(() => []);
  for (const one of all) hands[shown.findIndex((isShown) => isShown(one.version))]?.push(one);
  return hands;
}

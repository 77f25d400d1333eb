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

/** Whether the queries of `part` would show this version. */
export function partShows(part: Part, version: { versionId: string; bucket: Bucket }): boolean {
  if (part.buckets) return part.buckets.includes(version.bucket);
  if (part.prefixes) return part.prefixes.some((prefix) => version.versionId.startsWith(prefix));
  if (part.otherPrefixes) return !part.otherPrefixes.some((prefix) => version.versionId.startsWith(prefix));
  return true;
}

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

/** Whether the queries of `part` would show a version. */
export function shownBy(part: Part): (version: { versionId: string; bucket: Bucket }) => boolean {
  const { buckets, prefixes, otherPrefixes } = part;
  if (buckets) {
    const wanted = new Set(buckets);
    return ({ bucket }) => wanted.has(bucket);
  }
  const begins = startsWithAny(prefixes ?? otherPrefixes ?? []);
  if (prefixes) return ({ versionId }) => begins(versionId);
  if (otherPrefixes) return ({ versionId }) => !begins(versionId);
  return () => true;
}

function startsWithAny(prefixes: readonly string[]): (text: string) => boolean {
  const wanted = new Set(prefixes);
  const lengths = [...new Set(prefixes.map((prefix) => prefix.length))];
  return (text) => lengths.some((length) => wanted.has(text.slice(0, length)));
}

/** Gives each version to the first part whose queries show it, by look-up: a fleet is large, and its parts may be hundreds. */
export function splitByPart<T extends { readonly version: { versionId: string; bucket: Bucket } }>(
  parts: readonly Part[],
  all: Iterable<T>,
): T[][] {
  const byPart: T[][] = parts.map(() => []);
  const ofBucket = new Map<Bucket, number>();
  const ofPrefix = new Map<string, number>();
  const byPredicate: { index: number; isShown: ReturnType<typeof shownBy> }[] = [];
  for (const [index, part] of parts.entries()) {
    for (const bucket of part.buckets ?? []) if (!ofBucket.has(bucket)) ofBucket.set(bucket, index);
    for (const prefix of part.prefixes ?? []) if (!ofPrefix.has(prefix)) ofPrefix.set(prefix, index);
    if (!part.buckets && !part.prefixes) byPredicate.push({ index, isShown: shownBy(part) });
  }
  const lengths = [...new Set([...ofPrefix.keys()].map((prefix) => prefix.length))];
  for (const one of all) {
    const { versionId, bucket } = one.version;
    let found = ofBucket.get(bucket) ?? parts.length;
    for (const length of lengths) found = Math.min(found, ofPrefix.get(versionId.slice(0, length)) ?? found);
    const first = byPredicate.find(({ index, isShown }) => index < found && isShown(one.version))?.index ?? found;
    byPart[first]?.push(one);
  }
  return byPart;
}

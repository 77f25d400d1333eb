import { BUCKET_COUNT, type Bucket } from '../../domain/bucket.ts';
import type { Part } from '../../domain/part.ts';
import { anyOf, startsWith } from './promql-text.ts';

const HEX_DIGITS = [...'0123456789abcdef'];
const HEX_PAIRS = HEX_DIGITS.flatMap((first) => HEX_DIGITS.map((second) => first + second));

export interface PlanLimits {
  /** Versions that one query should read; bounds the size of an answer and how long the store is busy with it. */
  readonly partVersionsMax: number;
  /** More parts than this save nothing and cost requests. */
  readonly partsMax: number;
}

export interface Share {
  readonly buckets: readonly Bucket[];
  /** Versions known in these buckets; infinite where nobody knows yet. */
  readonly versions: number;
  readonly bucketCount: number;
}

/** How the store can distinguish series: by a label with the bucket, by the first hex digits of the id, or not at all. */
export type Cut = 'bucket-label' | 'hex-prefix' | 'none';

/** Cuts a share into as few parts as the sizes allow. Without a bucket label the store cannot leave out what others own. */
export function planParts(share: Share, cut: Cut, limits: PlanLimits): Part[] {
  if (cut === 'bucket-label') {
    const count = partCount(share.versions, { ...limits, atMost: share.buckets.length });
    if (count <= 1 && share.buckets.length >= share.bucketCount) return [EVERYTHING];
    return slices(share.buckets, count).map((buckets, index) => ({
      name: `buckets ${index + 1} of ${count}`,
      buckets,
      prefixes: undefined,
    }));
  }
  if (cut === 'none' || share.buckets.length === 0) return [EVERYTHING];
  const fleet = (share.versions * share.bucketCount) / share.buckets.length;
  const count = partCount(fleet, { ...limits, atMost: HEX_PAIRS.length });
  if (count <= 1) return [EVERYTHING];
  const allPrefixes = count <= HEX_DIGITS.length ? HEX_DIGITS : HEX_PAIRS;
  return slices(allPrefixes, count).map((prefixes, index): Part => {
    const name = `ids ${prefixes[0]} to ${prefixes.at(-1)}`;
    if (index < count - 1) return { name, buckets: undefined, prefixes };
    // The last one also holds the ids that are not hex at all, so that no id falls between the parts.
    const otherPrefixes = allPrefixes.slice(0, allPrefixes.length - prefixes.length);
    return { name: `${name} and others`, buckets: undefined, prefixes: undefined, otherPrefixes };
  });
}

/** About how much of the fleet the queries of a part show: ids are as good as random. */
export function shareOf({ buckets, prefixes, otherPrefixes }: Part): number {
  if (buckets) return buckets.length / BUCKET_COUNT;
  const spaceOf = (all: readonly string[]) => all.length / HEX_DIGITS.length ** (all[0]?.length ?? 1);
  if (prefixes) return spaceOf(prefixes);
  return 1 - spaceOf(otherPrefixes ?? []);
}

const EVERYTHING: Part = { name: 'all', buckets: undefined, prefixes: undefined };

/** The matchers that a store needs to see just this part. */
export function partMatchers(part: Part, labels: { versionId: string; bucket: string | undefined }): string[] {
  if (part.buckets && labels.bucket !== undefined) return [anyOf(labels.bucket, part.buckets.map(String))];
  if (part.prefixes) return [startsWith(labels.versionId, part.prefixes)];
  if (part.otherPrefixes) return [startsWith(labels.versionId, part.otherPrefixes, { isNegated: true })];
  return [];
}

function partCount(versions: number, limits: PlanLimits & { atMost: number }): number {
  const wanted = Math.ceil(versions / limits.partVersionsMax);
  return Math.max(1, Math.min(wanted, limits.partsMax, limits.atMost));
}

/** As equal as they come, in order. */
function slices<T>(items: readonly T[], count: number): T[][] {
  return Array.from({ length: count }, (_, index) =>
    items.slice(Math.floor((index * items.length) / count), Math.floor(((index + 1) * items.length) / count)),
  );
}

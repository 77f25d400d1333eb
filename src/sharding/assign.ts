import murmurhash from 'murmurhash';
import { BUCKET_COUNT, type Bucket } from '../domain/bucket.ts';
import type { MemberId, MemberRow } from '../domain/member.ts';

/** A member that may own buckets; twice the weight owns twice as many. */
export type WeightedMember = Pick<MemberRow, 'memberId' | 'weight'>;

/**
 * Rendezvous hashing: every bucket goes to the member with the highest score for it, so that everyone who sees the same
 * members comes to the same answer without asking, and a member that leaves moves its own buckets and no others.
 * Returns the owner of each bucket, by index; undefined only where there is no member.
 */
export function assignBuckets(
  members: readonly WeightedMember[],
  bucketCount: number = BUCKET_COUNT,
): readonly (MemberId | undefined)[] {
  const owners: (MemberId | undefined)[] = Array.from({ length: bucketCount });
  const highest = new Float64Array(bucketCount).fill(Number.NEGATIVE_INFINITY);
  const ordered = inOrder(members);
  const areEqual = ordered.every(({ weight }) => weight === ordered[0]?.weight);
  for (const { memberId, weight } of ordered) {
    for (let bucket = 0; bucket < bucketCount; bucket += 1) {
      const hash = murmurhash.v3(`${memberId}/${bucket}`, 0);
      const score = areEqual ? hash : weigh(hash, weight);
      // Of equal scores the lower id wins, because it comes first.
      if (score > (highest[bucket] as number)) {
        highest[bucket] = score;
        owners[bucket] = memberId;
      }
    }
  }
  return owners;
}

export function bucketsOf(owners: readonly (MemberId | undefined)[], memberId: MemberId): Bucket[] {
  return [...owners.keys()].filter((bucket) => owners[bucket] === memberId);
}

/** What a change of owners means for one member. */
export function compareShares(
  before: readonly Bucket[],
  after: readonly Bucket[],
): { gained: Bucket[]; lost: Bucket[] } {
  const [had, has] = [new Set(before), new Set(after)];
  return { gained: after.filter((bucket) => !had.has(bucket)), lost: before.filter((bucket) => !has.has(bucket)) };
}

/**
 * Members that want no load are left out, unless all are such: one has to serve. One entry per id, in the order of
 * ids, since all members must come to the same answer whatever order they read the rows in.
 */
function inOrder(members: readonly WeightedMember[]): WeightedMember[] {
  const byId = new Map(members.map((member) => [member.memberId, member]));
  const all = [...byId.values()].sort((one, other) => (one.memberId < other.memberId ? -1 : 1));
  const willing = all.filter(({ weight }) => Number.isFinite(weight) && weight > 0);
  return willing.length > 0 ? willing : all.map(({ memberId }) => ({ memberId, weight: 1 }));
}

/** Weighted rendezvous: -w / ln(u) with u evenly between 0 and 1 wins with a probability in proportion to w. */
function weigh(hash: number, weight: number): number {
  return -weight / Math.log((hash + 0.5) / 2 ** 32);
}

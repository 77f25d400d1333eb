import type { Bucket } from '../../domain/bucket.ts';

/**
 * Reads many buckets, some at a time. After the first failure nothing more is sent, so that
 * a store that is away is noticed after one deadline and not after one per bucket.
 */
export async function readBuckets<Row>(
  buckets: readonly Bucket[],
  inFlight: number,
  load: (bucket: Bucket) => Promise<readonly Row[]>,
): Promise<Row[]> {
  const rest = new Set(buckets).values();
  const found: Row[] = [];
  let hasFailed = false;
  const walk = async () => {
    for (const bucket of rest) {
      if (hasFailed) return;
      try {
        for (const row of await load(bucket)) found.push(row);
      } catch (error) {
        hasFailed = true;
        throw error;
      }
    }
  };
  // All walkers share one iterator.
  const ends = await Promise.allSettled(Array.from({ length: inFlight }, walk));
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
  return found;
}

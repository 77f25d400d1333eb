import { describe, expect, it } from 'vitest';
import { readBuckets } from '../../../src/adapters/cassandra/read-buckets.ts';

describe('reading many buckets', () => {
  it('reads each bucket once, no more than so many at a time', async () => {
    const read: number[] = [];
    let running = 0;
    let most = 0;
    const load = async (bucket: number) => {
      running += 1;
      most = Math.max(most, running);
      await new Promise((resolve) => setImmediate(resolve));
      running -= 1;
      read.push(bucket);
      return [`row of ${bucket}`];
    };
    const rows = await readBuckets([1, 2, 3, 2, 1, 4, 5], 2, load);
    expect([...read].sort()).toEqual([1, 2, 3, 4, 5]);
    expect(rows).toHaveLength(5);
    expect(most).toBe(2);
  });

  it('stops asking after the first failure, and fails with it', async () => {
    const asked: number[] = [];
    const load = async (bucket: number) => {
      asked.push(bucket);
      await new Promise((resolve) => setImmediate(resolve));
      throw new Error(`no bucket ${bucket}`);
    };
    const buckets = Array.from({ length: 100 }, (_, bucket) => bucket);
    await expect(readBuckets(buckets, 4, load)).rejects.toThrow('no bucket 0');
    expect(asked).toHaveLength(4);
  });
});

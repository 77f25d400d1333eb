import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Cut, partMatchers, planParts } from '../../../src/adapters/prometheus/plan-parts.ts';
import { shownBy } from '../../../src/domain/part.ts';

const allBuckets = Array.from({ length: 1024 }, (_, bucket) => bucket);
const limits = { partVersionsMax: 4000, partsMax: 8 };

describe('planParts', () => {
  it('shows every version of the share in exactly one part, whatever its id', () => {
    const share = fc.record({
      buckets: fc.uniqueArray(fc.nat(1023), { minLength: 1, maxLength: 200 }),
      versions: fc.nat(200_000),
      bucketCount: fc.constant(1024),
    });
    const id = fc.oneof(fc.uuid(), fc.string({ unit: 'binary', minLength: 1, maxLength: 40 }));
    fc.assert(
      fc.property(
        share,
        id,
        fc.constantFrom<Cut>('bucket-label', 'hex-prefix', 'none'),
        fc.nat(),
        (mine, versionId, cut, pick) => {
          const bucket = mine.buckets[pick % mine.buckets.length] ?? 0;
          const parts = planParts(mine, cut, limits);
          expect(parts.filter((part) => shownBy(part)({ versionId, bucket }))).toHaveLength(1);
          expect(parts.length).toBeLessThanOrEqual(limits.partsMax);
          expect(new Set(parts.map((part) => part.name)).size).toBe(parts.length);
        },
      ),
    );
  });

  it('cuts no finer than the sizes ask for', () => {
    const plan = (versions: number, cut: Cut) =>
      planParts({ buckets: allBuckets, versions, bucketCount: 1024 }, cut, limits).length;
    expect(plan(0, 'hex-prefix')).toBe(1);
    expect(plan(4000, 'hex-prefix')).toBe(1);
    expect(plan(4001, 'hex-prefix')).toBe(2);
    expect(plan(10_000, 'bucket-label')).toBe(3);
    expect(plan(100_000, 'bucket-label')).toBe(8);
    expect(plan(100_000, 'none')).toBe(1);
  });

  it('reckons with the whole fleet where the store cannot leave out what others own', () => {
    const third = { buckets: allBuckets.slice(0, 341), versions: 3333, bucketCount: 1024 };
    expect(planParts(third, 'bucket-label', limits)).toHaveLength(1);
    expect(planParts(third, 'hex-prefix', limits)).toHaveLength(3);
  });

  it('asks for all with no matcher, and for a share by its buckets', () => {
    const labels = { versionId: 'version', bucket: 'bucket' };
    const [everything] = planParts({ buckets: allBuckets, versions: 10, bucketCount: 1024 }, 'bucket-label', limits);
    expect(partMatchers(everything!, labels)).toEqual([]);
    const [few] = planParts({ buckets: [3, 5], versions: 10, bucketCount: 1024 }, 'bucket-label', limits);
    expect(partMatchers(few!, labels)).toEqual(['bucket=~"3|5"']);
    const hex = planParts({ buckets: allBuckets, versions: 8000, bucketCount: 1024 }, 'hex-prefix', limits);
    expect(hex.map((part) => partMatchers(part, labels))).toEqual([
      ['version=~"(?s:[01234567].*)"'],
      ['version!~"(?s:[01234567].*)"'],
    ]);
  });
});

import { describe, expect, it } from 'vitest';
import { placeVersion } from '../../src/sharding/place.ts';

describe('placeVersion', () => {
  it('never moves a version: these buckets stand in the stores of the people who run this', () => {
    expect(placeVersion('00000000-0000-0000-0000-000000000000')).toBe(468);
    expect(placeVersion('8f1c7a52-3d0e-4b7e-9a55-0c4f6f0f1e2d')).toBe(276);
    expect(placeVersion('ünïcødé-日本語')).toBe(540);
    expect(placeVersion('8f1c7a52-3d0e-4b7e-9a55-0c4f6f0f1e2d', 128)).toBe(20);
  });

  it('spreads versions evenly, whether their ids are random or counted', () => {
    const named = (prefix: string) => Array.from({ length: 102_400 }, (_, index) => `${prefix}-${index}`);
    for (const ids of [named('fn'), named('3e4f9b1c-7a52-4d0e-8b7e')]) {
      const sizes = new Array<number>(1024).fill(0);
      for (const id of ids) sizes[placeVersion(id)] = (sizes[placeVersion(id)] as number) + 1;
      // Around the mean of 100 chance alone gives a standard deviation of 10; five of them are out of its reach.
      expect(Math.max(...sizes)).toBeLessThan(150);
      expect(Math.min(...sizes)).toBeGreaterThan(50);
    }
  });
});

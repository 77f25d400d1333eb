import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TokenBucket } from '../../src/lib/token-bucket.ts';
import { HandWoundClock } from '../support/hand-wound-clock.ts';

function takeAll(bucket: TokenBucket): number {
  let taken = 0;
  while (taken < 10_000 && bucket.tryTake()) taken += 1;
  return taken;
}

describe('TokenBucket', () => {
  it('lets a burst through, then the rate', async () => {
    const clock = new HandWoundClock();
    const bucket = new TokenBucket({ clock, ratePerSecond: 10, burst: 5 });
    expect(takeAll(bucket)).toBe(5);
    expect(bucket.msUntilNext()).toBeCloseTo(100);
    await clock.wind(99);
    expect(bucket.tryTake()).toBe(false);
    await clock.wind(1);
    expect(bucket.tryTake()).toBe(true);
    await clock.wind(60_000);
    expect(takeAll(bucket)).toBe(5);
  });

  it('never lets more through than burst + rate × time, however it is asked', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 500 }),
        fc.integer({ min: 1, max: 50 }),
        fc.array(fc.integer({ min: 0, max: 700 }), { maxLength: 12 }),
        async (ratePerSecond, burst, pauses) => {
          const clock = new HandWoundClock();
          const bucket = new TokenBucket({ clock, ratePerSecond, burst });
          let taken = takeAll(bucket);
          for (const pauseMs of pauses) {
            await clock.wind(pauseMs);
            taken += takeAll(bucket);
          }
          expect(taken).toBeLessThanOrEqual(burst + (clock.monotonicMs() / 1_000) * ratePerSecond + 1e-6);
        },
      ),
      { numRuns: 25 },
    );
  });

  it('takes a new rate at once and keeps no more than the new burst', async () => {
    const clock = new HandWoundClock();
    const bucket = new TokenBucket({ clock, ratePerSecond: 1_000, burst: 1_000 });
    bucket.setRate({ ratePerSecond: 1, burst: 2 });
    expect(takeAll(bucket)).toBe(2);
    expect(bucket.msUntilNext()).toBeCloseTo(1_000);
  });

  it('says Infinity at a rate of nothing', () => {
    const bucket = new TokenBucket({ clock: new HandWoundClock(), ratePerSecond: 0, burst: 1 });
    expect(bucket.tryTake()).toBe(true);
    expect(bucket.msUntilNext()).toBe(Number.POSITIVE_INFINITY);
  });
});

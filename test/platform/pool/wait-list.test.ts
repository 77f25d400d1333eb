import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { WaitList } from '../../../src/platform/pool/wait-list.ts';
import { HandWoundClock } from '../../support/hand-wound-clock.ts';

describe('the wait list', () => {
  const aList = () => {
    const clock = new HandWoundClock();
    const expired: string[] = [];
    const list = new WaitList<string>({
      clock,
      onExpired: (waiter) => expired.push(`${waiter}@${clock.monotonicMs()}`),
    });
    return { clock, expired, list };
  };

  it('serves the earliest first, also one that joins again later', () => {
    const { list } = aList();
    list.join('second', { order: 2, deadlineMs: 100 });
    list.join('third', { order: 3, deadlineMs: 100 });
    list.join('first', { order: 1, deadlineMs: 100 });
    expect([list.first, list.size]).toEqual(['first', 3]);
    expect(list.drain()).toEqual(['first', 'second', 'third']);
    expect(list.shift()).toBeUndefined();
  });

  it('needs one timer for all, and none while the list is empty', async () => {
    const { clock, list, expired } = aList();
    const leave = Array.from({ length: 100 }, (_, order) => list.join(`${order}`, { order, deadlineMs: 1_000 }));
    expect(clock.pendingTimers).toBe(1);
    for (const go of leave) expect(go()).toBe(true);
    expect(clock.pendingTimers).toBe(0);
    expect(leave[0]?.()).toBe(false);
    await clock.wind(2_000);
    expect(expired).toEqual([]);
  });

  it('expires those that wait longer than they may, in any order of deadlines', async () => {
    const { clock, list, expired } = aList();
    list.join('patient', { order: 1, deadlineMs: 500 });
    list.join('hasty', { order: 2, deadlineMs: 100 });
    await clock.wind(99);
    expect(expired).toEqual([]);
    await clock.wind(1);
    expect(expired).toEqual(['hasty@100']);
    await clock.wind(1_000);
    expect(expired).toEqual(['hasty@100', 'patient@500']);
    expect(clock.pendingTimers).toBe(0);
  });

  it('lets others join and leave while it reports the expired', async () => {
    const clock = new HandWoundClock();
    const told: string[] = [];
    const list: WaitList<string> = new WaitList({
      clock,
      onExpired: (waiter) => {
        told.push(waiter);
        if (told.length < 3) list.join(`${waiter}+`, { order: told.length + 10, deadlineMs: clock.monotonicMs() + 50 });
      },
    });
    list.join('a', { order: 1, deadlineMs: 10 });
    await clock.wind(1_000);
    expect(told).toEqual(['a', 'a+', 'a++']);
  });

  it('reports no deadline too early, and none more than 10 ms too late', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(500), { minLength: 1, maxLength: 40 }), async (deadlines) => {
        const clock = new HandWoundClock();
        const late: number[] = [];
        const list = new WaitList<number>({
          clock,
          onExpired: (deadlineMs) => late.push(clock.monotonicMs() - deadlineMs),
        });
        for (const [order, deadlineMs] of deadlines.entries()) list.join(deadlineMs, { order, deadlineMs });
        await clock.wind(600);
        expect(late).toHaveLength(deadlines.length);
        for (const ms of late) {
          expect(ms).toBeGreaterThanOrEqual(0);
          expect(ms).toBeLessThanOrEqual(10);
        }
      }),
      { numRuns: 30 },
    );
  });
});

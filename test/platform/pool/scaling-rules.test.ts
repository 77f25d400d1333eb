import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  CALM,
  concurrencyRule,
  flowRule,
  queueRule,
  smooth,
  surplusStep,
  widenWindow,
} from '../../../src/platform/pool/scaling-rules.ts';

describe('the concurrency rule', () => {
  const window = (...samples: number[]) => samples;

  it('asks for the mean of the window over 70 % of what an instance takes', () => {
    const { wanted } = concurrencyRule({ window: Array(30).fill(7), current: 10, concurrency: 1, nowMs: 0 }, CALM);
    expect(wanted).toBe(10);
    expect(concurrencyRule({ window: Array(30).fill(7), current: 5, concurrency: 10, nowMs: 0 }, CALM).wanted).toBe(1);
  });

  it('a window that has just begun knows what it has seen: 25 calls at once read as 25 from the first tick', () => {
    expect(concurrencyRule({ window: window(25), current: 25, concurrency: 1, nowMs: 0 }, CALM).wanted).toBe(36);
  });

  it('panics when twice as much comes as there is room for, and lowers nothing for a minute', () => {
    const calm = Array(27).fill(1);
    const panic = concurrencyRule({ window: [...calm, 8, 8, 8], current: 2, concurrency: 1, nowMs: 1_000 }, CALM);
    expect(panic.wanted).toBe(12);
    expect(panic.memory.untilMs).toBe(61_000);
    const after = concurrencyRule(
      { window: Array(30).fill(0), current: 12, concurrency: 1, nowMs: 60_999 },
      panic.memory,
    );
    expect(after.wanted).toBe(12);
    const calmed = concurrencyRule(
      { window: Array(30).fill(0), current: 12, concurrency: 1, nowMs: 61_000 },
      after.memory,
    );
    expect(calmed).toEqual({ wanted: 0, memory: CALM });
  });

  it('keeps the thirty newest samples', () => {
    let samples: readonly number[] = [];
    for (let sample = 0; sample < 40; sample += 1) samples = widenWindow(samples, sample);
    expect(samples).toEqual(Array.from({ length: 30 }, (_, index) => index + 10));
  });

  it('asks for nothing where nothing comes', () => {
    expect(concurrencyRule({ window: [], current: 0, concurrency: 1, nowMs: 0 }, CALM).wanted).toBe(0);
  });
});

describe('the flow rule', () => {
  it('rate times running time over 70 %', () => {
    expect(flowRule({ callsPerSecond: 100, runningMs: 70, concurrency: 1 })).toBe(10);
    expect(flowRule({ callsPerSecond: 100, runningMs: 70, concurrency: 5 })).toBe(2);
  });

  it('counts calls of less than a millisecond', () => {
    expect(flowRule({ callsPerSecond: 4_000, runningMs: 0.5, concurrency: 1 })).toBe(3);
  });
});

describe('the queue rule', () => {
  const pool = { queued: 0, warm: 2, busy: 0, current: 2, warmMin: 2, meanLatencyMs: 0, errorShare: 0 };

  it.each([
    ['more than ten wait', { queued: 11 }, 4],
    ['very many wait: never more than three at once', { queued: 500 }, 5],
    ['ten wait, which is not too many', { queued: 10 }, 0],
    ['too few are warm while others are busy', { warm: 1, busy: 1 }, 3],
    ['too few are warm, and nothing is busy', { warm: 1, current: 1 }, 0],
    ['answers take too long', { meanLatencyMs: 501 }, 3],
    ['too many fail', { errorShare: 0.6 }, 3],
  ])('%s', (_, change, wanted) => {
    const limits = { queuedMax: 10, stepMax: 3, meanLatencyMaxMs: 500, errorShareMax: 0.5 };
    expect(queueRule({ ...pool, ...change }, limits)).toBe(wanted);
  });

  it('does not let go at once what it has asked for: it would ask for it again', () => {
    const busy = { ...pool, busy: 1, warm: 1, current: 2 };
    const more = queueRule(busy);
    expect(more).toBe(3);
    expect(queueRule({ ...busy, warm: 2, current: more })).toBe(3);
  });
});

describe('steps', () => {
  it('down by half of what is too much, one at least', () => {
    expect([surplusStep(10, 0), surplusStep(9, 6), surplusStep(2, 1), surplusStep(1, 1), surplusStep(1, 5)]).toEqual([
      5, 1, 1, 0, 0,
    ]);
  });

  it('always arrive, and never pass', () => {
    fc.assert(
      fc.property(fc.nat(200), fc.nat(200), (from, wanted) => {
        let current = from;
        for (let tick = 0; tick < 200 && surplusStep(current, wanted) > 0; tick += 1) {
          current -= surplusStep(current, wanted);
          expect(current).toBeGreaterThanOrEqual(Math.min(from, wanted));
        }
        expect(current).toBe(Math.min(from, Math.max(wanted, 0)));
      }),
    );
  });

  it('smoothing begins with the first value and follows by a fifth', () => {
    expect(smooth(undefined, 10)).toBe(10);
    expect(smooth(10, 20)).toBe(12);
  });
});

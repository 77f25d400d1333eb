import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { History } from '../../src/scaling/history.ts';

const STEP_MS = 60_000;
const START_MS = 1_700_000_040_000;

describe('the history of a signal', () => {
  it('keeps the newest sample of each step and gives them oldest first', () => {
    const history = new History({ stepMs: STEP_MS, lookBackMs: 600_000 });
    for (let at = 0; at <= 120_000; at += 15_000) history.add(0, START_MS + at, at / 1_000);
    expect(history.samples(0, START_MS + 120_000)).toEqual([
      { atMs: START_MS + 45_000 - 0, value: 45 },
      { atMs: START_MS + 105_000, value: 105 },
      { atMs: START_MS + 120_000, value: 120 },
    ]);
  });

  it('holds the look-back and no more: eleven samples for ten minutes', () => {
    const history = new History({ stepMs: STEP_MS, lookBackMs: 600_000 });
    for (let step = 0; step < 40; step += 1) history.add(0, START_MS + step * STEP_MS, step);
    const samples = history.samples(0, START_MS + 39 * STEP_MS);
    expect(samples.map((sample) => sample.value)).toEqual([29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39]);
  });

  it('never brings back what was there a lap ago after a gap', () => {
    const history = new History({ stepMs: STEP_MS, lookBackMs: 600_000 });
    for (let step = 0; step < 11; step += 1) history.add(0, START_MS + step * STEP_MS, step);
    history.add(0, START_MS + 18 * STEP_MS, 18);
    expect(history.samples(0, START_MS + 18 * STEP_MS).map((sample) => sample.value)).toEqual([8, 9, 10, 18]);
    expect(history.samples(0, START_MS + 40 * STEP_MS)).toEqual([]);
  });

  it('goes on from now when the clock was set back, and shows nothing of the time that never was', () => {
    for (const aheadMs of [30_000, 2 * STEP_MS, 60 * STEP_MS]) {
      const history = new History({ stepMs: STEP_MS, lookBackMs: 600_000 });
      for (let step = 0; step < 11; step += 1) history.push(0, START_MS + step * STEP_MS, step);
      for (let atMs = 0; atMs <= aheadMs; atMs += 30_000) history.push(0, START_MS + 10 * STEP_MS + atMs, 100);
      const nowMs = START_MS + 10 * STEP_MS + 15_000;
      history.push(0, nowMs, 50);
      const samples = history.samples(0, nowMs);
      expect(samples.at(-1)).toEqual({ atMs: nowMs, value: 50 });
      expect(samples.some(({ value }) => value === 100)).toBe(false);
      expect(history.latest(0)).toBe(50);
      history.push(0, nowMs + STEP_MS, 51);
      expect(history.samples(0, nowMs + STEP_MS).slice(-2)).toEqual([
        { atMs: nowMs, value: 50 },
        { atMs: nowMs + STEP_MS, value: 51 },
      ]);
    }
  });

  it('takes older samples afterwards, for a back-fill, without touching newer ones', () => {
    const history = new History({ stepMs: STEP_MS, lookBackMs: 600_000 });
    history.add(0, START_MS + 10 * STEP_MS, 10);
    history.add(0, START_MS + 3 * STEP_MS, 3);
    history.add(0, START_MS - 3 * STEP_MS, -3);
    history.add(0, START_MS + 10 * STEP_MS - 1, 9);
    expect(history.samples(0, START_MS + 10 * STEP_MS).map((sample) => sample.value)).toEqual([3, 9, 10]);
  });

  it('keeps +Infinity, and starts a forgotten version afresh', () => {
    const history = new History({ stepMs: STEP_MS, lookBackMs: 600_000 });
    history.add(0, START_MS, Number.POSITIVE_INFINITY);
    expect(history.samples(0, START_MS)[0]?.value).toBe(Number.POSITIVE_INFINITY);
    history.forget(0);
    expect(history.samples(0, START_MS)).toEqual([]);
    history.add(0, START_MS + 5 * STEP_MS, 1);
    expect(history.samples(0, START_MS + 5 * STEP_MS)).toHaveLength(1);
  });

  it('gives what a plain list would give, for any order of additions over many versions', () => {
    const additions = fc.array(
      fc.record({
        version: fc.integer({ min: 0, max: 300 }),
        step: fc.integer({ min: 0, max: 30 }),
        value: fc.integer({ min: 0, max: 1000 }),
      }),
      { maxLength: 400 },
    );
    fc.assert(
      fc.property(additions, (list) => {
        const history = new History({ stepMs: STEP_MS, lookBackMs: 600_000 });
        const plain = new Map<number, Map<number, number>>();
        for (const { version, step, value } of list) {
          history.add(version, START_MS + step * STEP_MS, value);
          const steps = plain.get(version) ?? new Map<number, number>();
          plain.set(version, steps);
          if (step > Math.max(-1, ...steps.keys()) - 11) steps.set(step, value);
        }
        for (const [version, steps] of plain) {
          const newest = Math.max(...steps.keys());
          const expected = [...steps].filter(([step]) => step > newest - 11).sort(([a], [b]) => a - b);
          const got = history.samples(version, START_MS + newest * STEP_MS);
          expect(got.map((sample) => [(sample.atMs - START_MS) / STEP_MS, sample.value])).toEqual(expected);
        }
      }),
    );
  });
});

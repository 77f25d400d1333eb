import { describe, expect, it } from 'vitest';
import { TimeWatch } from '../../src/loops/time-watch.ts';
import { HandWoundClock } from '../support/hand-wound-clock.ts';

describe('the time watch', () => {
  it('stays quiet while both clocks walk together', async () => {
    const breaks: number[] = [];
    const clock = new HandWoundClock();
    const watch = new TimeWatch({ clock, onBreak: (forMs) => breaks.push(forMs) });
    watch.start();
    await clock.wind(10_000);
    watch.stop();
    expect(breaks).toEqual([]);
  });

  it('notices a machine that slept: the wall moved and the monotonic clock did not', async () => {
    const breaks: number[] = [];
    const clock = new HandWoundClock();
    const watch = new TimeWatch({ clock, onBreak: (forMs) => breaks.push(forMs) });
    watch.start();
    await clock.wind(1_000);
    clock.jumpWall(60_000);
    await clock.wind(1_000);
    watch.stop();
    expect(breaks).toEqual([60_000]);
  });

  it('notices a process that was stopped: the tick comes late', async () => {
    const breaks: number[] = [];
    let nowMs = 0;
    let tick = () => {};
    const watch = new TimeWatch({
      clock: {
        monotonicMs: () => nowMs,
        wallMs: () => nowMs,
        after: (_delayMs, callback) => {
          tick = callback;
          return () => {};
        },
      },
      onBreak: (forMs) => breaks.push(forMs),
    });
    watch.start();
    nowMs += 250;
    tick();
    nowMs += 30_250;
    tick();
    expect(breaks).toEqual([30_000]);
  });
});

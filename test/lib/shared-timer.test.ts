import { describe, expect, it } from 'vitest';
import { SharedTimer } from '../../src/lib/shared-timer.ts';
import { HandWoundClock } from '../support/hand-wound-clock.ts';

describe('an alarm', () => {
  const begin = () => {
    const clock = new HandWoundClock();
    const rings: number[] = [];
    const startMs = clock.monotonicMs();
    const alarm = new SharedTimer({ clock, onRing: () => rings.push(clock.monotonicMs() - startMs) });
    return { clock, rings, alarm, startMs };
  };

  it('rings once, at the earliest of the times that it was told', async () => {
    const { clock, rings, alarm, startMs } = begin();
    for (const atMs of [300, 100, 200]) alarm.setBy(startMs + atMs);
    await clock.wind(1_000);
    expect(rings).toEqual([100]);
  });

  it('can be set again while it rings, and rings at once for what is over', async () => {
    const { clock, rings, alarm, startMs } = begin();
    alarm.setBy(startMs + 100);
    await clock.wind(100);
    alarm.setBy(startMs + 50);
    await clock.wind(1);
    expect(rings).toEqual([100, 100]);
  });

  it('does not ring when it was cleared', async () => {
    const { clock, rings, alarm, startMs } = begin();
    alarm.setBy(startMs + 100);
    alarm.clear();
    await clock.wind(1_000);
    expect(rings).toEqual([]);
    alarm.setBy(startMs + 2_000);
    await clock.wind(1_000);
    expect(rings).toEqual([2_000]);
  });
});

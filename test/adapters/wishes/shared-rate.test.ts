import { describe, expect, it } from 'vitest';
import { SharedRate, type SharedRateOptions } from '../../../src/adapters/wishes/shared-rate.ts';
import { NotAdmitted } from '../../../src/ports/actuator.ts';
import { HandWoundClock, settle } from '../../support/hand-wound-clock.ts';

function setUp(options: Partial<SharedRateOptions> = {}) {
  const clock = new HandWoundClock();
  const rate = new SharedRate({
    clock,
    ratePerSecond: 100,
    burst: 20,
    raiseShare: 0.5,
    ...options,
  });
  const admitted = { raises: 0, lowerings: 0 };
  const ask = (count: number, isRaise: boolean) => {
    for (let index = 0; index < count; index += 1) {
      rate.admit(undefined, isRaise).then(
        () => {
          admitted[isRaise ? 'raises' : 'lowerings'] += 1;
        },
        () => {},
      );
    }
  };
  return { clock, rate, admitted, ask };
}

describe('SharedRate', () => {
  it('lets raises past lowerings, and lowerings never into what is kept for raises', async () => {
    const { clock, admitted, ask } = setUp();
    ask(1_000, false);
    await settle();
    expect(admitted).toEqual({ raises: 0, lowerings: 10 });
    ask(30, true);
    await settle();
    expect(admitted).toEqual({ raises: 10, lowerings: 10 });
    await clock.wind(200);
    expect(admitted).toEqual({ raises: 30, lowerings: 10 });
    await clock.wind(1_000);
    expect(admitted).toEqual({ raises: 30, lowerings: 60 });
  });

  it('gives raises the whole rate when nobody lowers', async () => {
    const { clock, admitted, ask } = setUp();
    ask(1_000, true);
    await settle();
    expect(admitted.raises).toBe(20);
    await clock.wind(1_000);
    expect(admitted.raises).toBeGreaterThanOrEqual(115);
    expect(admitted.raises).toBeLessThanOrEqual(120);
  });

  it('shares the rate among the live members', async () => {
    const { clock, rate, admitted, ask } = setUp({ burst: 1 });
    rate.setLiveMembers(4);
    expect(rate.ratePerSecond()).toBe(25);
    ask(1_000, true);
    await clock.wind(10_000);
    expect(admitted.raises).toBeGreaterThanOrEqual(245);
    expect(admitted.raises).toBeLessThanOrEqual(255);
    rate.setLiveMembers(0);
    expect(rate.ratePerSecond()).toBe(100);
  });

  it('lets nobody through in a pause, and everybody at half the rate after it, recovering', async () => {
    const { clock, rate, admitted, ask } = setUp({ burst: 2 });
    rate.complain(3_000);
    ask(10_000, true);
    await clock.wind(2_999);
    expect(admitted.raises).toBe(0);
    expect(rate.msPaused()).toBe(1);
    await clock.wind(1_001);
    expect(admitted.raises).toBeGreaterThan(40);
    expect(admitted.raises).toBeLessThan(80);
    await clock.wind(6_000);
    expect(rate.ratePerSecond()).toBe(100);
  });

  it('takes answers that come together for one complaint, and later ones for more', async () => {
    const { clock, rate } = setUp();
    for (let index = 0; index < 50; index += 1) rate.complain(100);
    expect(rate.ratePerSecond()).toBe(50);
    await clock.wind(1_000);
    rate.complain(100);
    expect(rate.ratePerSecond()).toBeLessThan(30);
    for (let index = 0; index < 30; index += 1) {
      await clock.wind(1_000);
      rate.complain(100);
    }
    expect(rate.ratePerSecond()).toBeGreaterThanOrEqual(100 / 64);
  });

  it('turns away who would wait too long, also those who wait already', async () => {
    const { rate } = setUp({ burst: 1, ratePerSecond: 0.001 });
    await rate.admit(undefined, false);
    await rate.admit(undefined, true);
    const waiting = rate.admit(undefined, false);
    rate.complain(60_000);
    await expect(waiting).rejects.toThrow(NotAdmitted);
    await expect(rate.admit(undefined, true)).rejects.toThrow('pause of 60000 ms');
  });

  it('forgets who has gone', async () => {
    const { clock, rate, admitted, ask } = setUp({ burst: 1, ratePerSecond: 1 });
    ask(2, false);
    const leaving = new AbortController();
    const gone = rate.admit(leaving.signal, false);
    leaving.abort(new Error('stopping'));
    await expect(gone).rejects.toThrow('stopping');
    await expect(rate.admit(leaving.signal, false)).rejects.toThrow('stopping');
    ask(1, false);
    await clock.wind(10_000);
    expect(admitted.lowerings).toBe(3);
    expect(clock.pendingTimers).toBe(0);
  });
});

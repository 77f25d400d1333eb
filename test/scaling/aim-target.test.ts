import { describe, expect, it } from 'vitest';
import { defaultPolicy, type TargetPolicy } from '../../src/domain/policy.ts';
import { ABSENT_GAUGE, ABSENT_WINDOW } from '../../src/domain/signal.ts';
import { codesOf, Rehearsal } from './rehearsal.ts';
import { aWindow } from './situations.ts';

const TARGET: TargetPolicy = { ...defaultPolicy('target'), stepUp: undefined, stepDown: undefined };
const CALLED = { calledAgoSeconds: 1 };

function version(running: number, given: Partial<TargetPolicy> = {}): Rehearsal {
  return new Rehearsal(running, { policy: { ...TARGET, ...given } });
}

describe('the target policy', () => {
  it.each([
    [0.1, 1],
    [0.7, 1],
    [0.71, 2],
    [2.1, 3],
    [7, 10],
    [700, 1000],
  ])('wants for a demand of %d calls at 0.7 of one each: %d', (demand, wanted) => {
    expect(version(0).cycle({ demand, ...CALLED }).wanted).toBe(wanted);
  });

  it('divides by the concurrency of an instance', () => {
    const eight = version(1);
    eight.target = { concurrency: 8 };
    expect(eight.cycle({ demand: 57, ...CALLED }).wanted).toBe(11);
  });

  it('sizes the start from zero by the backlog', () => {
    const decision = version(0).cycle({ demand: 30, ...CALLED });
    expect(decision).toMatchObject({ verdict: 'raise', previous: 0, wanted: 43 });
    expect(codesOf(decision)).toEqual(['backlog-from-zero']);
  });

  it('does not ask twice for a backlog that waits for instances to start', () => {
    const starting = version(1);
    starting.doesFollow = false;
    expect(starting.cycle({ demand: 7, ...CALLED }).wanted).toBe(10);
    const decision = starting.cycle({ demand: 7, ...CALLED });
    expect(decision).toMatchObject({ verdict: 'keep', wanted: 10, actual: 1 });
    expect(codesOf(decision)).toContain('starting-credited');
  });

  it('raises further while the first ones start, if there is more to do', () => {
    const starting = version(0);
    starting.doesFollow = false;
    starting.cycle({ demand: 3, ...CALLED });
    expect(starting.cycle({ demand: 20, ...CALLED })).toMatchObject({ verdict: 'raise', wanted: 29 });
  });

  it('rises with the newest sample, and falls only as the mean of its window does', () => {
    const rising = version(5, { stabilisationDownSeconds: 0, windowSeconds: 180 }).settled({ demand: 3.5, ...CALLED });
    const seen = (values: number[]) => ({
      ...CALLED,
      signals: { demand: aWindow(values, 'fresh', rising.nowMs + 15_000) },
    });
    expect(rising.cycle(seen([3.5, 3.5, 7])).wanted).toBe(10);
    expect(rising.cycle(seen([3.5, 7, 0])).wanted).toBe(5);
  });

  it('falls to the highest aim of five minutes, never further', () => {
    const falling = version(10).settled({ demand: 7, ...CALLED });
    const first = falling.cycles(19, { demand: 2.8, ...CALLED });
    expect(first.every(({ wanted }) => wanted === 10)).toBe(true);
    expect(codesOf(first[0]!)).toContain('held-by-stabilisation');
    expect(falling.cycle({ demand: 1.4, ...CALLED })).toMatchObject({ verdict: 'lower', wanted: 4 });
  });

  it('goes by utilisation where the profile has no demand', () => {
    const utilised = version(4, { stabilisationDownSeconds: 0 }).settled({ utilisation: 70, ...CALLED });
    expect(utilised.cycle({ utilisation: 100, ...CALLED }).wanted).toBe(6);
    expect(utilised.cycle({ utilisation: 10, ...CALLED })).toMatchObject({ verdict: 'lower', wanted: 1 });
  });

  it('may only raise by utilisation where the profile did show demand before: what queues is not seen', () => {
    const lost = version(4, { stabilisationDownSeconds: 0 }).settled({ demand: 2.8, ...CALLED });
    const decision = lost.cycle({ utilisation: 10, ...CALLED });
    expect(decision).toMatchObject({ verdict: 'keep', wanted: 4 });
    expect(codesOf(decision)).toContain('partial-samples');
    expect(lost.cycle({ utilisation: 100, ...CALLED })).toMatchObject({ verdict: 'raise', wanted: 6 });
    const other = { ...CALLED, signals: { profile: 'control-plane', utilisation: aWindow([10], 'fresh', lost.nowMs) } };
    expect(lost.cycle(other)).toMatchObject({ verdict: 'lower', wanted: 1 });
  });

  it('goes one step up from infinite load, whatever the size of it is', () => {
    const infinite = version(10).settled({ demand: 7, ...CALLED });
    expect(infinite.cycle({ demand: Number.POSITIVE_INFINITY, ...CALLED }).wanted).toBe(12);
    expect(version(0).cycle({ demand: Number.POSITIVE_INFINITY, ...CALLED }).wanted).toBe(2);
  });

  it('stays within 31 bits for a demand that no fleet could serve', () => {
    const huge = version(1);
    huge.target = { instancesMax: 2 ** 31 - 1 };
    expect(huge.cycle({ demand: Number.MAX_VALUE, ...CALLED }).wanted).toBe(2 ** 31 - 1);
  });

  it('keeps one while calls are recent, and wakes for a call that demand does not show', () => {
    const quiet = version(3, { stabilisationDownSeconds: 0 }).settled({ demand: 2, ...CALLED });
    const one = quiet.cycle({ demand: 0, calledAgoSeconds: 599 });
    expect(one).toMatchObject({ verdict: 'lower', wanted: 1 });
    expect(codesOf(one)).toEqual(['no-load', 'recent-invocation']);
    const zero = quiet.cycle({ demand: 0, calledAgoSeconds: 601 });
    expect(zero).toMatchObject({ verdict: 'lower', wanted: 0 });
    expect(quiet.cycle({ demand: 0, calledAgoSeconds: 1 })).toMatchObject({ verdict: 'raise', wanted: 1 });
    const silent = { signals: { demand: ABSENT_WINDOW, utilisation: ABSENT_WINDOW, instances: ABSENT_GAUGE } };
    expect(quiet.cycle({ ...silent, calledAgoSeconds: undefined })).toMatchObject({ verdict: 'abstain', wanted: 1 });
  });

  it('does not come to nothing while load is reported and no instance is counted', () => {
    const uncounted = version(5, { stabilisationDownSeconds: 0 }).settled({ utilisation: 70 });
    uncounted.running = 0;
    expect(uncounted.cycle({ utilisation: 70 })).toMatchObject({ verdict: 'keep', wanted: 5 });
  });

  it('leaves at zero what is not called, so far as can be seen', () => {
    const invocation = { quality: 'absent' as const, lastMs: undefined, watchedSinceMs: undefined };
    const decision = version(0).cycle({ demand: 0, signals: { invocation } });
    expect(decision).toMatchObject({ verdict: 'keep', wanted: 0 });
    expect(codesOf(decision)).toEqual(['idle-unproven']);
  });

  it('abstains on demand that is stale, though utilisation is fresh', () => {
    const stale = version(4).settled({ demand: 2.8, ...CALLED });
    const decision = stale.cycle({
      utilisation: 1,
      ...CALLED,
      signals: { demand: aWindow([2.8], 'stale', stale.nowMs) },
    });
    expect(decision.verdict).toBe('abstain');
    expect(codesOf(decision)).toEqual(['stale-samples']);
  });
});

import { describe, expect, it } from 'vitest';
import { defaultPolicy } from '../../src/domain/policy.ts';
import { ABSENT_GAUGE, ABSENT_WINDOW } from '../../src/domain/signal.ts';
import { decide } from '../../src/scaling/decide.ts';
import { FRESH_MEMORY } from '../../src/scaling/memory.ts';
import { codesOf, Rehearsal } from './rehearsal.ts';
import { aSituation, aTarget, aWindow, someSignals } from './situations.ts';

const BUSY = { utilisation: 50, calledAgoSeconds: 1 };
const HOT = { utilisation: 90, calledAgoSeconds: 1 };
const COOL = { utilisation: 10, calledAgoSeconds: 1 };
const IDLE = { utilisation: 0, calledAgoSeconds: undefined };

describe('what the peer gets wrong', () => {
  it('asks again in the next cycle for what failed, and counts it as no change', () => {
    const version = new Rehearsal(10).settled(BUSY);
    version.doesAccept = false;
    const failed = version.cycles(3, HOT);
    expect(failed.map(({ verdict, wanted }) => [verdict, wanted])).toEqual(Array(3).fill(['raise', 12]));
    expect(version.memory.raisedMs).toBeUndefined();
    expect(version.memory.moves).toEqual([]);

    version.doesAccept = true;
    version.cycle(HOT);
    version.cycle(BUSY);
    expect(version.memory.raisedMs).toBe(version.nowMs);
  });

  it('asks again for a first instance that was refused, instead of waiting for it', () => {
    const version = new Rehearsal(0).settled(IDLE);
    version.doesAccept = false;
    const noLoad = { signals: { utilisation: ABSENT_WINDOW, instances: ABSENT_GAUGE }, calledAgoSeconds: 1 };
    expect(version.cycles(3, noLoad).map(({ wanted }) => wanted)).toEqual([1, 1, 1]);
  });

  it.each(['steps', 'target'] as const)('lowers nothing while worker metrics are gone, for six hours: %s', (kind) => {
    const version = new Rehearsal(10, { policy: defaultPolicy(kind) }).settled({ ...BUSY, demand: 7 });
    const gone = {
      signals: {
        utilisation: ABSENT_WINDOW,
        demand: ABSENT_WINDOW,
        instances: ABSENT_GAUGE,
        invocation: { quality: 'absent' as const, lastMs: undefined, watchedSinceMs: undefined },
      },
    };
    for (const decision of version.cycles(6 * 240, gone)) {
      expect([decision.verdict, decision.wanted]).toEqual(['abstain', 10]);
      expect(codesOf(decision)).toContain('no-samples');
    }
  });

  it('takes the fading of a rate whose scrape has died for no falling load', () => {
    // What Prometheus makes of rate(x[75s]) at a true 50 %, while samples stop coming, and when they come again.
    const fading = [50, 40, 31, 21, 11];
    const returning = [18, 28, 38, 47];
    const live = (settings: Rehearsal['settings']) => {
      const version = new Rehearsal(10).settled(BUSY);
      version.settings = settings;
      // After a gap short enough for one blind cycle only, the rate reaches across it and is right at once.
      for (const blindCycles of [2, 3, 4, 8, 40]) {
        for (const utilisation of fading) version.cycle({ utilisation, calledAgoSeconds: 1 });
        version.cycles(blindCycles, { signals: { utilisation: ABSENT_WINDOW }, calledAgoSeconds: 1 });
        for (const utilisation of returning) version.cycle({ utilisation, calledAgoSeconds: 1 });
        version.cycles(20, BUSY);
      }
      return version.accepted;
    };
    expect(live({ fadeMs: 75_000, blindToleranceMs: 25_000, recoveryMs: 75_000 })).toBe(10);
    expect(live({})).toBeLessThan(10);
  });

  it('lowers by what stays low for as long as a rate takes to fade', () => {
    const version = new Rehearsal(10).settled(BUSY);
    version.settings = { fadeMs: 75_000 };
    const decisions = version.cycles(6, COOL);
    expect(decisions.map(({ verdict }) => verdict)).toEqual(['keep', 'keep', 'keep', 'keep', 'keep', 'lower']);
    expect(decisions[0]?.reasons.find(({ code }) => code === 'held-by-stabilisation')?.facts).toMatchObject({
      aim: 8,
      to: 10,
      windowSeconds: 75,
    });
  });

  it('lowers nothing either when the rest of the store still answers, and says that no call was seen', () => {
    const version = new Rehearsal(10).settled(BUSY);
    const gone = { signals: { utilisation: ABSENT_WINDOW, instances: ABSENT_GAUGE }, calledAgoSeconds: undefined };
    expect(version.cycles(240, gone).every(({ wanted }) => wanted === 10)).toBe(true);
  });

  it('takes no empty answer for no instances: nothing counted beside ten that the control plane knows of', () => {
    const version = new Rehearsal(10).settled(BUSY);
    version.target = { instancesActive: 10 };
    const none = { ...COOL, signals: { instances: { quality: 'fresh' as const, value: 0, atMs: version.nowMs } } };
    expect(version.cycle(none)).toMatchObject({ verdict: 'lower', actual: 10, wanted: 8 });
  });

  it('does not count what the control plane reported long ago', () => {
    const situation = aSituation({ signals: someSignals({ instances: ABSENT_GAUGE }) });
    const told = (ageMs: number) =>
      decide({ ...situation, target: { state: 'known', ageMs, target: aTarget({ instancesActive: 7 }) } });
    expect(told(120_000).decision.actual).toBe(7);
    expect(told(120_001).decision.actual).toBeUndefined();
  });

  it('reads infinite utilisation as overload', () => {
    const version = new Rehearsal(10).settled(BUSY);
    const decision = version.cycle({ utilisation: Number.POSITIVE_INFINITY, calledAgoSeconds: 1 });
    expect(decision).toMatchObject({ verdict: 'raise', wanted: 12 });
    expect(codesOf(decision)).toEqual(['capacity-missing', 'load-above-target']);
  });

  it('starts from one where utilisation is infinite because nothing runs', () => {
    const version = new Rehearsal(0).settled(IDLE);
    expect(version.cycle({ utilisation: Number.POSITIVE_INFINITY, calledAgoSeconds: 1 }).wanted).toBe(2);
  });

  it('takes no empty series for an idle one', () => {
    const version = new Rehearsal(3).settled(BUSY);
    expect(version.cycle({ calledAgoSeconds: undefined })).toMatchObject({ verdict: 'abstain', wanted: 3 });
    expect(version.cycle(IDLE)).toMatchObject({ verdict: 'lower', wanted: 0 });
  });

  it('does not ask ten back that wait to be twelve', () => {
    const version = new Rehearsal(10).settled(BUSY);
    version.doesFollow = false;
    expect(version.cycle(HOT).wanted).toBe(12);
    expect(version.cycle(BUSY)).toMatchObject({ verdict: 'keep', wanted: 12, actual: 10 });
    const decision = version.cycle(HOT);
    expect(decision).toMatchObject({ verdict: 'keep', wanted: 12 });
    expect(codesOf(decision)).toContain('starting-credited');
  });
});

describe('meeting a version', () => {
  it('may only hold or raise in the first two evaluations after its record was lost', () => {
    const version = new Rehearsal(10).settled(BUSY);
    version.memory = FRESH_MEMORY;
    const decisions = version.cycles(3, COOL);
    expect(decisions.map(({ verdict }) => verdict)).toEqual(['keep', 'keep', 'lower']);
    expect(codesOf(decisions[0]!)).toContain('first-cycles');

    version.memory = FRESH_MEMORY;
    expect(version.cycle(HOT).verdict).toBe('raise');
  });

  it('carries on where the last owner stopped', () => {
    const version = new Rehearsal(10).settled(BUSY);
    version.handOver();
    expect(version.cycle(COOL).verdict).toBe('lower');
  });

  it('does not know what was wanted before it came: stabilises from the wish that stands', () => {
    const version = new Rehearsal(10, { policy: defaultPolicy('target') });
    const decisions = version.cycles(23, { demand: 0.5, calledAgoSeconds: 1 });
    // Two evaluations that lower nothing, then the whole window of five minutes.
    expect(decisions.slice(0, 22).map(({ verdict }) => verdict)).toEqual(Array(22).fill('keep'));
    expect(decisions[22]?.verdict).toBe('lower');
  });
});

describe('load that comes back', () => {
  it('lowers nothing until it has lasted, so that a store that starts empty does no harm', () => {
    const version = new Rehearsal(10).settled(BUSY);
    version.cycles(10, { calledAgoSeconds: 1 });
    const decisions = version.cycles(6, COOL);
    expect(decisions.map(({ verdict }) => verdict)).toEqual(['keep', 'keep', 'keep', 'keep', 'lower', 'lower']);
    expect(codesOf(decisions[0]!)).toContain('recovering');
  });

  it('raises at once', () => {
    const version = new Rehearsal(10).settled(BUSY);
    version.cycles(10, { calledAgoSeconds: 1 });
    expect(version.cycle(HOT).verdict).toBe('raise');
  });

  it('is nothing to recover from where it was never seen before', () => {
    const version = new Rehearsal(10);
    version.cycles(10, { calledAgoSeconds: 1 });
    expect(version.cycle(COOL).verdict).toBe('lower');
  });

  it('does not mind a scrape or two that were missed', () => {
    const version = new Rehearsal(10).settled(BUSY);
    version.cycles(3, { calledAgoSeconds: 1 });
    expect(version.cycle(COOL).verdict).toBe('lower');
  });
});

describe('zero', () => {
  it('is reached when idle for the whole time and low, and left by the first call', () => {
    const version = new Rehearsal(2).settled(BUSY);
    expect(version.cycle({ utilisation: 0, calledAgoSeconds: 1799 }).wanted).toBe(1);
    expect(version.cycle({ utilisation: 0, calledAgoSeconds: 1800 })).toMatchObject({ verdict: 'lower', wanted: 0 });
    // Nothing runs, so nothing reports.
    const silent = { signals: { utilisation: ABSENT_WINDOW, instances: ABSENT_GAUGE } };
    expect(version.cycle({ ...silent, calledAgoSeconds: 1815 })).toMatchObject({ verdict: 'abstain', wanted: 0 });
    const woken = version.cycle({ ...silent, calledAgoSeconds: 3 });
    expect(woken).toMatchObject({ verdict: 'raise', wanted: 1 });
    expect(codesOf(woken)).toContain('capacity-missing');
  });

  it('is not believed when calls were watched for less than the idle time', () => {
    const version = new Rehearsal(1).settled(BUSY);
    const watchedSinceMs = version.nowMs - 1000 * 1000;
    const decision = version.cycle({
      utilisation: 0,
      signals: { invocation: { quality: 'fresh', lastMs: undefined, watchedSinceMs } },
    });
    expect(decision).toMatchObject({ verdict: 'keep', wanted: 1 });
    expect(codesOf(decision)).toContain('idle-unproven');
  });

  it.each(['partial', 'stale', 'absent', 'invalid'] as const)('is not believed on %s invocations', (quality) => {
    const version = new Rehearsal(1).settled(BUSY);
    const decision = version.cycle({
      utilisation: 0,
      signals: { invocation: { quality, lastMs: undefined, watchedSinceMs: 0 } },
    });
    expect(decision).toMatchObject({ verdict: 'keep', wanted: 1 });
  });

  it('is not reached while a call of an hour runs, for load is not low then', () => {
    const version = new Rehearsal(1, { policy: defaultPolicy('target') });
    version.target = { concurrency: 2 };
    const decisions = version.cycles(40, { demand: 1, calledAgoSeconds: 3600 });
    expect(decisions.every(({ wanted }) => wanted === 1)).toBe(true);
    expect(version.cycles(40, { demand: 0, calledAgoSeconds: 3600 })[39]?.wanted).toBe(0);
  });

  it('is not reached where the policy says never', () => {
    const version = new Rehearsal(2, { policy: { ...defaultPolicy('steps'), scaleToZero: false } }).settled(BUSY);
    const decision = version.cycle(IDLE);
    expect(decision).toMatchObject({ verdict: 'lower', wanted: 1 });
    expect(codesOf(decision)).toEqual(['idle', 'floor']);
  });

  it('does not wake a version because its calls cannot be seen', () => {
    const version = new Rehearsal(0).settled(IDLE);
    const decision = version.cycle({
      utilisation: 0,
      signals: { invocation: { quality: 'absent', lastMs: undefined, watchedSinceMs: undefined } },
    });
    expect(decision).toMatchObject({ verdict: 'keep', wanted: 0 });
  });
});

describe('a wish that is not followed', () => {
  it('pauses steps while none is seen, for five minutes and no longer', () => {
    const version = new Rehearsal(0).settled(IDLE);
    version.doesFollow = false;
    expect(version.cycle(HOT).wanted).toBe(2);
    const waiting = version.cycles(20, HOT);
    expect(waiting.every((decision) => codesOf(decision).join() === 'in-flight')).toBe(true);
    expect(codesOf(version.cycle(HOT))).not.toContain('in-flight');
    // Low load of nothing is no reason to ask for less, idleness is.
    version.accepted = 5;
    version.cycles(21, COOL);
    expect(version.cycle(COOL)).toMatchObject({ verdict: 'keep', wanted: 5 });
    expect(version.cycle(IDLE)).toMatchObject({ verdict: 'lower', wanted: 0 });
  });

  it('is reported after ten minutes, and is no cause to ask for more', () => {
    const version = new Rehearsal(10).settled(BUSY);
    version.doesFollow = false;
    const decisions = version.cycles(60, HOT);
    expect(decisions.every(({ wanted }) => wanted === 12)).toBe(true);
    expect(codesOf(decisions[39]!)).not.toContain('not-converging');
    expect(codesOf(decisions[59]!)).toContain('not-converging');
  });

  it('has its ten minutes from when it was last changed', () => {
    const version = new Rehearsal(10).settled(BUSY);
    version.doesFollow = false;
    version.cycles(30, HOT);
    version.accepted = 14;
    const decisions = version.cycles(41, HOT);
    expect(decisions.findIndex((decision) => codesOf(decision).includes('not-converging'))).toBe(40);
  });

  it('does not lower below what was asked for when more run than that', () => {
    const version = new Rehearsal(20, { accepted: 8 }).settled(BUSY);
    expect(version.cycle(COOL)).toMatchObject({ verdict: 'keep', wanted: 8 });
  });
});

describe('stickiness', () => {
  const sticky = {
    ...defaultPolicy('steps'),
    up: { threshold: 70, factor: 1.2, stickiness: { windowSeconds: 300, requiredSeconds: 180 } },
  };
  const window = (values: number[], nowMs: number) => ({
    calledAgoSeconds: 1,
    signals: { utilisation: aWindow(values, 'fresh', nowMs + 15_000) },
  });

  it('moves when three of five minutes breach, and says so when they do not', () => {
    const version = new Rehearsal(10, { policy: sticky }).settled(BUSY);
    const held = version.cycle(window([50, 50, 50, 90, 90], version.nowMs));
    expect(held.verdict).toBe('keep');
    expect(codesOf(held)).toContain('held-by-stickiness');
    expect(version.cycle(window([90, 50, 90, 50, 90], version.nowMs)).wanted).toBe(12);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defaultPolicy, type StepsPolicy } from '../../src/domain/policy.ts';
import { codesOf, Rehearsal } from './rehearsal.ts';

const BAND = { utilisation: 50, calledAgoSeconds: 1 };
const HOT = { utilisation: 90, calledAgoSeconds: 1 };
const COOL = { utilisation: 10, calledAgoSeconds: 1 };

function version(running: number, given: Partial<StepsPolicy>): Rehearsal {
  return new Rehearsal(running, { policy: { ...defaultPolicy('steps'), ...given } }).settled(BAND);
}

describe('stabilisation', () => {
  it('raises no higher than the lowest aim of the window', () => {
    const held = version(10, { stabilisationUpSeconds: 60 });
    const decisions = held.cycles(4, HOT);
    expect(decisions.map(({ verdict }) => verdict)).toEqual(['keep', 'keep', 'keep', 'raise']);
    expect(codesOf(decisions[0]!)).toEqual(['load-above-target', 'held-by-stabilisation']);
  });

  it('starts again when load falls back in between', () => {
    const held = version(10, { stabilisationUpSeconds: 60 });
    held.cycles(3, HOT);
    held.cycle(BAND);
    expect(held.cycles(4, HOT).map(({ verdict }) => verdict)).toEqual(['keep', 'keep', 'keep', 'raise']);
  });

  it('lowers no further than the highest aim of the window', () => {
    const held = version(10, { stabilisationDownSeconds: 60 });
    expect(held.cycles(4, COOL).map(({ wanted }) => wanted)).toEqual([10, 10, 10, 8]);
  });

  it('does not make a call wait that wakes a version', () => {
    const asleep = new Rehearsal(0, {
      policy: { ...defaultPolicy('steps'), stabilisationUpSeconds: 600, cooldownUpSeconds: 600 },
    });
    asleep.settled({ utilisation: 0 });
    expect(asleep.cycle({ utilisation: 0, calledAgoSeconds: 1 })).toMatchObject({ verdict: 'raise', wanted: 1 });
  });

  it('agrees with a look at every aim of the window, or holds a thirtieth of it longer', () => {
    const windowSeconds = 600;
    const anyAims = fc.array(fc.nat({ max: 20 }), { minLength: 1, maxLength: 150 });
    // Each of them stays the highest of what comes after it, until the window has passed it by.
    const fallingAims = fc
      .uniqueArray(fc.nat({ max: 20 }), { minLength: 2, maxLength: 12 })
      .map((aims) => [...aims.sort((one, other) => other - one), ...Array(60).fill(0)]);
    const policy = { ...defaultPolicy('target'), stabilisationDownSeconds: windowSeconds, stepDown: undefined };
    fc.assert(
      fc.property(fc.oneof(anyAims, fallingAims), (aims) => {
        const held = new Rehearsal(20, { policy });
        held.target = { concurrency: 10 };
        held.settled({ demand: 140, calledAgoSeconds: 1 });
        const seen: { atMs: number; aim: number }[] = [{ atMs: held.nowMs, aim: 20 }];
        for (const aim of aims) {
          const standing = held.accepted!;
          const { wanted } = held.cycle({ demand: aim * 7, calledAgoSeconds: 1 });
          // No call waits: one instance stays while it is called.
          seen.push({ atMs: held.nowMs, aim: Math.max(1, aim) });
          const highest = (withinSeconds: number) =>
            Math.max(...seen.filter(({ atMs }) => held.nowMs - atMs < withinSeconds * 1000).map((each) => each.aim));
          expect(wanted).toBeGreaterThanOrEqual(Math.min(Math.max(standing, aim), highest(windowSeconds)));
          expect(wanted).toBeLessThanOrEqual(Math.max(aim, highest(windowSeconds * (1 + 1 / 30)), 1));
        }
      }),
      { numRuns: 200 },
    );
  });

  it('keeps an hour of ever lower aims in a few dozen numbers', () => {
    const long = version(1000, { stabilisationDownSeconds: 3600 });
    for (let running = 1000; running > 800; running -= 1) {
      long.running = running;
      long.cycle(COOL);
    }
    expect(long.memory.highs.length).toBeLessThanOrEqual(2 * 32);
    expect(long.accepted).toBe(1000);
  });
});

describe('cool-downs', () => {
  it('keep raises apart', () => {
    const cooling = version(10, { cooldownUpSeconds: 60 });
    expect(cooling.cycle(HOT).verdict).toBe('raise');
    // The raise is seen in the cycle after it, and the minute runs from there.
    const decisions = cooling.cycles(5, HOT);
    expect(decisions.map(({ wanted }) => wanted)).toEqual([12, 12, 12, 12, 15]);
    expect(codesOf(decisions[0]!)).toEqual(['load-above-target', 'held-by-cooldown']);
  });

  it('keep a lowering apart from any change, and a raise from none but raises', () => {
    const cooling = version(10, { cooldownDownSeconds: 60 });
    cooling.cycle(HOT);
    expect(cooling.cycles(5, COOL).map(({ wanted }) => wanted)).toEqual([12, 12, 12, 12, 9]);
    expect(cooling.cycle(HOT).verdict).toBe('raise');
  });

  it('do not make a call wait that wakes a version', () => {
    const cooling = new Rehearsal(0, { policy: { ...defaultPolicy('steps'), cooldownUpSeconds: 600 } });
    cooling.settled({ utilisation: 0 });
    expect(cooling.cycle({ utilisation: 0, calledAgoSeconds: 1 }).wanted).toBe(1);
    cooling.cycle(BAND);
    cooling.accepted = 0;
    expect(cooling.cycle({ utilisation: 0, calledAgoSeconds: 1 })).toMatchObject({ verdict: 'raise', wanted: 1 });
  });

  it('do not begin with a raise that failed', () => {
    const cooling = version(10, { cooldownUpSeconds: 600 });
    cooling.doesAccept = false;
    expect(cooling.cycles(3, HOT).map(({ verdict }) => verdict)).toEqual(['raise', 'raise', 'raise']);
  });
});

describe('step limits', () => {
  const stepUp = { percent: 10, instances: 3, periodSeconds: 60 };

  it('allow the larger of a share and a number, once a period', () => {
    const paced = version(10, { up: { threshold: 70, factor: 2 }, stepUp });
    const decisions = paced.cycles(6, HOT);
    expect(decisions.map(({ wanted }) => wanted)).toEqual([13, 13, 13, 13, 13, 16]);
    expect(codesOf(decisions[0]!)).toEqual(['load-above-target', 'step-limited']);
    expect(version(100, { up: { threshold: 70, factor: 2 }, stepUp }).cycle(HOT).wanted).toBe(110);
  });

  it('hold back one series that jumps a hundredfold', () => {
    const jumping = new Rehearsal(1, { policy: defaultPolicy('target') }).settled({ demand: 0.5, calledAgoSeconds: 1 });
    expect(jumping.cycle({ demand: 50_000, calledAgoSeconds: 1 }).wanted).toBe(51);
  });

  it('let a version leave zero, whatever share of nothing that is', () => {
    const asleep = new Rehearsal(0, {
      policy: { ...defaultPolicy('steps'), stepUp: { percent: 50, instances: 0, periodSeconds: 60 } },
    });
    expect(asleep.cycle(HOT).wanted).toBe(1);
  });

  it('slow the way to zero too', () => {
    const falling = version(10, { stepDown: { percent: 50, instances: 1, periodSeconds: 15 } });
    const idle = { utilisation: 0 };
    expect(falling.cycles(8, idle).map(({ wanted }) => wanted)).toEqual([5, 5, 2, 2, 1, 1, 0, 0]);
  });

  it('give way to the bounds', () => {
    const raised = version(1, { stepUp });
    raised.target = { instancesMin: 20 };
    expect(raised.cycle(BAND)).toMatchObject({ verdict: 'raise', wanted: 20 });
  });
});

describe('bounds', () => {
  it('hold without any load to go by: they are the word of the operator', () => {
    const version = new Rehearsal(10);
    version.target = { instancesMin: 12, instancesMax: 20 };
    expect(version.cycle({})).toMatchObject({ verdict: 'raise', wanted: 12 });
    version.target = { instancesMax: 5 };
    const lowered = version.cycle({});
    expect(lowered).toMatchObject({ verdict: 'lower', wanted: 5 });
    expect(codesOf(lowered)).toEqual(['no-samples', 'ceiling']);
  });

  it('that contradict themselves move nothing', () => {
    const version = new Rehearsal(10).settled(BAND);
    version.target = { instancesMin: 5, instancesMax: 3 };
    expect(version.cycle(COOL)).toMatchObject({ verdict: 'abstain', wanted: 10 });
  });
});

describe('a frozen fleet', () => {
  it('comes down for nothing, not even for a new upper bound', () => {
    const frozen = new Rehearsal(10).settled(BAND);
    frozen.isFleetFrozen = true;
    const decision = frozen.cycle(COOL);
    expect(decision).toMatchObject({ verdict: 'keep', wanted: 10 });
    expect(decision.reasons[decision.reasons.length - 1]).toEqual({ code: 'fleet-frozen', facts: { aim: 8 } });
    frozen.target = { instancesMax: 5 };
    expect(frozen.cycle(COOL).wanted).toBe(10);
    expect(frozen.cycle(HOT).wanted).toBe(10);
    frozen.target = {};
    expect(frozen.cycle(HOT).wanted).toBe(12);
  });
});

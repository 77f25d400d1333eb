import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Control } from '../../src/domain/control.ts';
import { defaultPolicy, type Policy, type StepLimit } from '../../src/domain/policy.ts';
import type { Quality, Window } from '../../src/domain/signal.ts';
import type { FunctionStatus } from '../../src/domain/target.ts';
import { decide } from '../../src/scaling/decide.ts';
import { FRESH_MEMORY, type Memory, readMemory, writeMemory } from '../../src/scaling/memory.ts';
import type { Situation } from '../../src/scaling/situation.ts';
import { aSituation, aTarget, aWindow, NOW_MS } from './situations.ts';

const quality = fc.constantFrom<Quality>('fresh', 'partial', 'stale', 'absent', 'invalid');
const untrusted = fc.constantFrom<Quality>('partial', 'stale', 'absent', 'invalid');
const count = fc.oneof(fc.nat({ max: 50 }), fc.nat({ max: 5000 }));
const load = fc.double({ min: 0, max: 300, noNaN: true });
/** What should never come, and what must do no harm when it does. */
const oddLoad = fc.oneof(
  { weight: 6, arbitrary: load },
  fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -1, 1e308, Number.MIN_VALUE),
);
const seconds = fc.constantFrom(0, 0, 60, 300);
const limit: fc.Arbitrary<StepLimit> = fc.record({
  percent: fc.constantFrom(10, 50, 100),
  instances: fc.integer({ min: 1, max: 20 }),
  periodSeconds: fc.constantFrom(15, 60, 600),
});
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });

const guards = fc.record({
  idleTimeoutSeconds: fc.constantFrom(60, 600, 1800),
  scaleToZero: fc.boolean(),
  stabilisationUpSeconds: seconds,
  stabilisationDownSeconds: seconds,
  cooldownUpSeconds: seconds,
  cooldownDownSeconds: seconds,
  stepUp: maybe(limit),
  stepDown: maybe(limit),
});
const sticky = maybe(fc.constantFrom({ windowSeconds: 300, requiredSeconds: 180 }));
const stepsPolicy: fc.Arbitrary<Policy> = fc
  .record({ guards, up: sticky, down: sticky, decay: fc.constantFrom(0, 0.1, 3) })
  .map(({ guards: common, up, down, decay }) => ({
    ...defaultPolicy('steps'),
    ...common,
    up: { threshold: 70, factor: 1.2, ...(up && { stickiness: up }) },
    down: { threshold: 30, factor: 0.8, ...(down && { stickiness: down }) },
    decay,
  }));
const targetPolicy: fc.Arbitrary<Policy> = fc
  .record({ guards, target: fc.constantFrom(0.01, 0.5, 0.7, 1), windowSeconds: fc.constantFrom(0, 60, 600) })
  .map(({ guards: common, ...own }) => ({ kind: 'target', ...own, ...common }));
const policy = fc.oneof(stepsPolicy, targetPolicy);

const time = fc.integer({ min: 0, max: 900 }).map((ago) => NOW_MS - ago * 1000);
const pairs = (second: fc.Arbitrary<number>) =>
  fc.array(fc.tuple(time, second), { maxLength: 6 }).map((list) => list.toSorted(([a], [b]) => a - b).flat());
const memory: fc.Arbitrary<Memory> = fc.record({
  cycles: fc.nat({ max: 3 }),
  wish: maybe(count),
  raisedMs: maybe(time),
  loweredMs: maybe(time),
  apartSinceMs: maybe(time),
  wasSighted: fc.boolean(),
  blindSinceMs: maybe(time),
  recoveredMs: maybe(time),
  demandProfile: maybe(fc.constantFrom('worker-threads', 'control-plane')),
  highs: pairs(count),
  lows: pairs(count),
  moves: pairs(fc.integer({ min: -30, max: 30 })),
});

function windowOf(values: fc.Arbitrary<number>, qualities: fc.Arbitrary<Quality>): fc.Arbitrary<Window> {
  return fc
    .record({ values: fc.array(values, { maxLength: 11 }), quality: qualities })
    .map((given) => aWindow(given.values, given.quality));
}

const control: fc.Arbitrary<Control> = fc
  .record({
    kind: fc.constantFrom('pause' as const, 'override' as const),
    wanted: fc.integer({ min: 0, max: 2000 }),
    until: fc.constantFrom(NOW_MS - 1, NOW_MS, NOW_MS + 1),
  })
  .map(({ kind, wanted, until }) => {
    const said = { versionId: 'version', until, by: 'someone', why: 'because' };
    return kind === 'pause' ? { kind, ...said } : { kind, wanted, ...said };
  });

interface Chosen {
  readonly loads: fc.Arbitrary<number>;
  readonly qualities: fc.Arbitrary<Quality>;
  readonly controls: fc.Arbitrary<readonly Control[]>;
  readonly policies: fc.Arbitrary<Policy>;
}

function anySituation(chosen: Partial<Chosen> = {}): fc.Arbitrary<Situation> {
  const { loads = oddLoad, qualities = quality, controls = fc.constant([]), policies = policy } = chosen;
  return fc
    .record({
      utilisation: windowOf(loads, qualities),
      demand: windowOf(loads, qualities),
      instances: fc.record({ quality, value: maybe(fc.oneof(count, fc.constantFrom(Number.NaN, -1, 2.5))) }),
      invocation: fc.record({
        quality,
        lastMs: maybe(time),
        watchedSinceMs: maybe(fc.constantFrom(0, NOW_MS - 61_000, NOW_MS)),
      }),
      bounds: fc.tuple(fc.nat({ max: 20 }), fc.oneof(fc.nat({ max: 40 }), fc.constant(2 ** 31 - 1))),
      concurrency: fc.constantFrom(1, 8, 100),
      told: fc.tuple(maybe(count), maybe(count)),
      ageMs: fc.constantFrom(0, 300_000),
      status: fc.oneof(
        { weight: 9, arbitrary: fc.constant<FunctionStatus>('ACTIVE') },
        fc.constantFrom<FunctionStatus>('DEPLOYING', 'INACTIVE', 'ERRORED', 'DELETED'),
      ),
      policy: policies,
      previous: maybe(count),
      memory: fc.oneof(memory, fc.constant(FRESH_MEMORY)),
      controls,
      isFleetFrozen: fc.boolean(),
    })
    .map(({ bounds: [min, span], told: [active, pending], ...given }) =>
      aSituation({
        signals: {
          profile: 'worker-threads',
          utilisation: given.utilisation,
          demand: given.demand,
          instances: { ...given.instances, atMs: NOW_MS },
          invocation: given.invocation,
        },
        target: {
          state: 'known',
          ageMs: given.ageMs,
          target: aTarget({
            instancesMin: min,
            instancesMax: Math.min(min + span, 2 ** 31 - 1),
            concurrency: given.concurrency,
            status: given.status,
            instancesActive: active,
            instancesPending: pending,
          }),
        },
        policy: { state: 'known', policy: given.policy },
        previous: given.previous,
        memory: given.memory,
        controls: given.controls,
        isFleetFrozen: given.isFleetFrozen,
      }),
    );
}

const RUNS = { numRuns: 1500 };
const someControls = fc.array(control, { maxLength: 2 });

function boundsOf(situation: Situation): { min: number; max: number } {
  if (situation.target.state !== 'known') throw new Error('these situations all have a target');
  return { min: situation.target.target.instancesMin, max: situation.target.target.instancesMax };
}

describe('decide, whatever it is given', () => {
  it('answers with whole counts, a verdict that fits them, and facts that survive JSON', () => {
    fc.assert(
      fc.property(anySituation({ controls: someControls }), (situation) => {
        const { decision, memory: next } = decide(situation);
        const { verdict, previous, wanted, reasons } = decision;
        if (wanted === undefined) expect([verdict, previous]).toEqual(['abstain', undefined]);
        else {
          expect(Number.isSafeInteger(wanted) && wanted >= 0).toBe(true);
          expect(Math.sign(wanted - previous!)).toBe({ raise: 1, lower: -1, keep: 0, abstain: 0 }[verdict]);
        }
        expect(reasons.length).toBeGreaterThan(0);
        expect(JSON.parse(JSON.stringify(reasons))).toEqual(reasons);
        for (const number of numbersIn(next)) expect(Number.isFinite(number)).toBe(true);
      }),
      RUNS,
    );
  });

  it('answers the same to the same, and changes nothing that it was given', () => {
    fc.assert(
      fc.property(anySituation({ controls: someControls }), (situation) => {
        const before = structuredClone(situation);
        expect(decide(situation)).toEqual(decide(situation));
        expect(situation).toEqual(before);
      }),
      RUNS,
    );
  });

  it('never lowers on load that is partial, stale, absent or invalid, except to the upper bound', () => {
    fc.assert(
      fc.property(anySituation({ qualities: untrusted }), (situation) => {
        const { previous, wanted } = decide(situation).decision;
        if (previous === undefined || wanted === undefined) return;
        expect(wanted).toBeGreaterThanOrEqual(Math.min(previous, boundsOf(situation).max));
      }),
      RUNS,
    );
  });

  it('never lowers on load that is called fresh and is none: no samples, not a number, negative', () => {
    const nonsense = fc.constantFrom(Number.NaN, -1, Number.NEGATIVE_INFINITY);
    fc.assert(
      fc.property(anySituation({ loads: nonsense }), (situation) => {
        const { previous, wanted } = decide(situation).decision;
        if (previous === undefined || wanted === undefined) return;
        expect(wanted).toBeGreaterThanOrEqual(Math.min(previous, boundsOf(situation).max));
      }),
      RUNS,
    );
  });

  it('keeps to the bounds whenever it moves', () => {
    fc.assert(
      fc.property(anySituation({ controls: someControls }), (situation) => {
        const { verdict, wanted } = decide(situation).decision;
        if (verdict !== 'raise' && verdict !== 'lower') return;
        const { min, max } = boundsOf(situation);
        expect(wanted).toBeGreaterThanOrEqual(min);
        expect(wanted).toBeLessThanOrEqual(max);
      }),
      RUNS,
    );
  });

  it('brings every active version whose wish lies outside its bounds back inside at once', () => {
    fc.assert(
      fc.property(anySituation(), (situation) => {
        if (situation.isFleetFrozen) return;
        const { previous, wanted, reasons } = decide(situation).decision;
        if (previous === undefined || reasons.some(({ code }) => code === 'not-active')) return;
        const { min, max } = boundsOf(situation);
        expect(wanted).toBeGreaterThanOrEqual(min);
        expect(wanted).toBeLessThanOrEqual(max);
      }),
      RUNS,
    );
  });

  it('lowers nothing at all while the fleet is frozen, but for what a person asked for by name', () => {
    fc.assert(
      fc.property(anySituation({ controls: someControls }), (situation) => {
        const { verdict, reasons } = decide({ ...situation, isFleetFrozen: true }).decision;
        if (reasons.some(({ code }) => code === 'overridden')) return;
        expect(verdict).not.toBe('lower');
      }),
      RUNS,
    );
  });

  it('keeps what is paused, and gives what was overridden within the bounds', () => {
    fc.assert(
      fc.property(anySituation({ controls: fc.array(control, { minLength: 1, maxLength: 2 }) }), (situation) => {
        const { decision } = decide(situation);
        if (decision.previous === undefined || decision.reasons.some(({ code }) => code === 'not-active')) return;
        const standing = situation.controls.filter(({ until }) => until > NOW_MS);
        const override = standing.find(({ kind }) => kind === 'override');
        if (standing.some(({ kind }) => kind === 'pause')) expect(decision.verdict).toBe('keep');
        else if (override?.kind === 'override' && standing.length === 1) {
          const { min, max } = boundsOf(situation);
          expect(decision.wanted).toBe(Math.min(Math.max(override.wanted, min), max));
        }
      }),
      RUNS,
    );
  });

  it.each(['DEPLOYING', 'INACTIVE', 'ERRORED', 'DELETED'] as const)('moves nothing that is %s', (status) => {
    fc.assert(
      fc.property(anySituation({ controls: someControls }), (situation) => {
        if (situation.target.state !== 'known') return;
        const target = { ...situation.target, target: { ...situation.target.target, status } };
        expect(decide({ ...situation, target }).decision.verdict).toMatch(/keep|abstain/);
      }),
      { numRuns: 200 },
    );
  });

  it('wants no less for more load', () => {
    fc.assert(
      fc.property(
        anySituation({ loads: load, qualities: fc.constant('fresh') }),
        fc.array(fc.double({ min: 0, max: 50, noNaN: true }), { minLength: 11, maxLength: 11 }),
        (situation, more) => {
          const heavier = (window: Window): Window => ({
            ...window,
            samples: window.samples.map(({ atMs, value }, index) => ({ atMs, value: value + (more[index] ?? 0) })),
          });
          const { signals } = situation;
          const loaded = decide({
            ...situation,
            signals: { ...signals, utilisation: heavier(signals.utilisation), demand: heavier(signals.demand) },
          });
          const unloaded = decide(situation);
          expect(loaded.decision.wanted ?? 0).toBeGreaterThanOrEqual(unloaded.decision.wanted ?? 0);
        },
      ),
      RUNS,
    );
  });

  it('moves no faster than the step limits, counted over their whole period', () => {
    const period = 60;
    const paced = targetPolicy.map((given): Policy => {
      const stepUp = { percent: 50, instances: 3, periodSeconds: period };
      return { ...given, scaleToZero: true, stepUp, stepDown: { ...stepUp, percent: 20, instances: 2 } };
    });
    fc.assert(
      fc.property(
        paced,
        fc.array(fc.double({ min: 0, max: 400, noNaN: true }), { minLength: 5, maxLength: 30 }),
        (given, demands) => {
          let next: Memory = { ...FRESH_MEMORY, cycles: 3, wasSighted: true, wish: 20 };
          let wish = 20;
          const wishes = [wish];
          for (const [index, demand] of demands.entries()) {
            const nowMs = NOW_MS + index * 15_000;
            const decided = decide(
              aSituation({
                nowMs,
                signals: {
                  profile: 'platform',
                  utilisation: aWindow([], 'absent'),
                  demand: aWindow([demand], 'fresh', nowMs),
                  instances: { quality: 'fresh', value: wish, atMs: nowMs },
                  invocation: { quality: 'fresh', lastMs: nowMs, watchedSinceMs: 0 },
                },
                policy: { state: 'known', policy: given },
                previous: wish,
                memory: next,
              }),
            );
            next = decided.memory;
            wish = decided.decision.wanted!;
            wishes.push(wish);
            // 60 s are four cycles, and one more because a change is seen, and counted, in the cycle after it.
            const start = wishes[Math.max(0, wishes.length - 2 - period / 15)]!;
            const before = wishes[wishes.length - 2]!;
            if (wish > before) expect(wish).toBeLessThanOrEqual(Math.max(start + 3, Math.ceil(start * 1.5)));
            if (wish < before) expect(wish).toBeGreaterThanOrEqual(Math.min(start - 2, Math.floor(start * 0.8)));
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  it('decides the same from a memory that went through a row', () => {
    fc.assert(
      fc.property(anySituation(), (situation) => {
        const restored = readMemory(JSON.parse(JSON.stringify(writeMemory(situation.memory))), NOW_MS);
        expect(restored).toEqual(situation.memory);
        expect(decide({ ...situation, memory: restored })).toEqual(decide(situation));
      }),
      RUNS,
    );
  });
});

function numbersIn(value: unknown): number[] {
  if (typeof value === 'number') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(numbersIn) : [];
}

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Policy } from '../../src/domain/policy.ts';
import type { Window } from '../../src/domain/signal.ts';
import { decide } from '../../src/scaling/decide.ts';
import { FRESH_MEMORY, type Memory, readMemory, writeMemory } from '../../src/scaling/memory.ts';
import type { Situation } from '../../src/scaling/situation.ts';
import { anySituation, control, load, targetPolicy, untrusted } from './any-situation.ts';
import { aSituation, aWindow, NOW_MS } from './situations.ts';

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

import fc from 'fast-check';
import { expect, it, vi } from 'vitest';
import type { Policy } from '../../src/domain/policy.ts';
import { decide } from '../../src/scaling/decide.ts';
import { judgeActivity, type Situation } from '../../src/scaling/situation.ts';
import { anySituation } from './any-situation.ts';
import { aSituation, settledMemory, someSignals } from './situations.ts';

/** A policy whose author forgot that a function may be in use: load never asks for anything. */
vi.mock('../../src/scaling/aim/aim.ts', async (original) => ({
  ...(await original<typeof import('../../src/scaling/aim/aim.ts')>()),
  aim: () => ({ count: 0 }),
}));

const RUNS = { numRuns: 3000 };

function activityOf(situation: Situation) {
  if (situation.policy.state === 'unknown') throw new Error('these situations all have a policy');
  return judgeActivity(situation, situation.policy.policy.idleTimeoutSeconds);
}

/** Nothing but the guard is in the way of zero: no minimum, no freeze, no hold, no limit of pace. */
const unheld = anySituation({ qualities: fc.constantFrom('fresh', 'partial') }).map((situation): Situation => {
  const { previous, policy } = situation;
  if (policy.state !== 'known') throw new Error('these situations all have a policy');
  const { stepUp: _, stepDown: __, ...rest } = policy.policy;
  const unlimited = { ...rest, scaleToZero: true, stabilisationDownSeconds: 0, cooldownDownSeconds: 0 } as Policy;
  return aSituation({
    signals: situation.signals,
    policy: { state: 'known', policy: unlimited },
    previous,
    memory: settledMemory(previous),
  });
});

it('takes no version to zero that was called, or of which that cannot be ruled out, whatever its policy aims at', () => {
  let guarded = 0;
  let slept = 0;
  fc.assert(
    fc.property(unheld, (situation) => {
      const { previous = 0, wanted } = decide(situation).decision;
      if (previous === 0) return;
      if (activityOf(situation) === 'idle') slept += wanted === 0 ? 1 : 0;
      else {
        guarded += 1;
        expect(wanted).toBeGreaterThanOrEqual(1);
      }
    }),
    RUNS,
  );
  // The same situations do go to zero where nothing speaks against it.
  expect(slept).toBeGreaterThan(20);
  expect(guarded).toBeGreaterThan(RUNS.numRuns / 3);
});

it('takes a version to zero that was not called for the whole idle time, and says so', () => {
  const invocation = { quality: 'fresh', lastMs: undefined, watchedSinceMs: 0 } as const;
  const { wanted, reasons } = decide(aSituation({ previous: 2, signals: someSignals({ invocation }) })).decision;
  expect(wanted).toBe(0);
  expect(reasons.map(({ code }) => code)).toEqual(['idle']);
});

it('wakes a version at rest that was called, whatever its policy aims at', () => {
  let woken = 0;
  fc.assert(
    fc.property(unheld, (given) => {
      const situation = { ...given, previous: 0 };
      if (activityOf(situation) !== 'called') return;
      woken += 1;
      expect(decide(situation).decision.wanted).toBe(1);
    }),
    RUNS,
  );
  expect(woken).toBeGreaterThan(20);
});

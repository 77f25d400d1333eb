import { defaultPolicy, type Policy } from '../../src/domain/policy.ts';
import { ABSENT_GAUGE, ABSENT_WINDOW, type Sample, type Signals, type Window } from '../../src/domain/signal.ts';
import type { Target } from '../../src/domain/target.ts';
import { DECIDING_DEFAULTS } from '../../src/scaling/deciding-settings.ts';
import { FRESH_MEMORY, type Memory } from '../../src/scaling/memory.ts';
import type { Situation } from '../../src/scaling/situation.ts';

export const NOW_MS = 1_700_000_000_000;

/** A settled, healthy version under the default steps policy: 10 wanted, 10 run, load in the band, called just now. */
export function aSituation(given: Partial<Situation> = {}): Situation {
  const previous = 'previous' in given ? given.previous : 10;
  return {
    nowMs: NOW_MS,
    signals: someSignals(),
    target: { state: 'known', target: aTarget(), ageMs: 0 },
    policy: { state: 'known', policy: defaultPolicy('steps') },
    previous,
    isUnconfirmed: false,
    memory: settledMemory(previous),
    controls: [],
    isFleetFrozen: false,
    blockedBy: undefined,
    settings: DECIDING_DEFAULTS,
    ...given,
  };
}

export function aTarget(given: Partial<Target> = {}): Target {
  return {
    functionId: 'function',
    versionId: 'version',
    account: 'account',
    status: 'ACTIVE',
    instancesMin: 0,
    instancesMax: 1000,
    concurrency: 1,
    policy: undefined,
    instancesActive: undefined,
    instancesPending: undefined,
    ...given,
  };
}

export function someSignals(given: Partial<Signals> = {}): Signals {
  return {
    profile: 'worker-threads',
    utilisation: aWindow([50]),
    demand: ABSENT_WINDOW,
    instances: aGauge(10),
    invocation: { quality: 'fresh', lastMs: NOW_MS - 1000, watchedSinceMs: 0 },
    ...given,
  };
}

/** One sample a minute, the last one now. */
export function aWindow(values: readonly number[], quality: Window['quality'] = 'fresh', nowMs = NOW_MS): Window {
  const samples: Sample[] = values.map((value, index) => ({
    atMs: nowMs - (values.length - 1 - index) * 60_000,
    value,
  }));
  return { quality, samples };
}

export function aGauge(value: number | undefined): Signals['instances'] {
  return value === undefined ? ABSENT_GAUGE : { quality: 'fresh', value, atMs: NOW_MS };
}

/** Of a version that was met long ago and whose wish was accepted. */
export function settledMemory(wish: number | undefined): Memory {
  return { ...FRESH_MEMORY, cycles: DECIDING_DEFAULTS.firstCycles + 1, wish, wasSighted: true };
}

export function policyKnown(policy: Policy): Situation['policy'] {
  return { state: 'known', policy };
}

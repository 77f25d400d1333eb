import fc from 'fast-check';
import type { Control } from '../../src/domain/control.ts';
import { defaultPolicy, type Policy, type StepLimit } from '../../src/domain/policy.ts';
import type { Quality, Window } from '../../src/domain/signal.ts';
import type { FunctionStatus } from '../../src/domain/target.ts';
import { FRESH_MEMORY, type Memory } from '../../src/scaling/memory.ts';
import type { Situation } from '../../src/scaling/situation.ts';
import { aSituation, aTarget, aWindow, NOW_MS } from './situations.ts';

const quality = fc.constantFrom<Quality>('fresh', 'partial', 'stale', 'absent', 'invalid');
export const untrusted = fc.constantFrom<Quality>('partial', 'stale', 'absent', 'invalid');
const count = fc.oneof(fc.nat({ max: 50 }), fc.nat({ max: 5000 }));
export const load = fc.double({ min: 0, max: 300, noNaN: true });
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
export const targetPolicy: fc.Arbitrary<Policy> = fc
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
  divergedSinceMs: maybe(time),
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

export const control: fc.Arbitrary<Control> = fc
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

/** Any situation of an active version, likely and unlikely, that `decide` may meet. */
export function anySituation(chosen: Partial<Chosen> = {}): fc.Arbitrary<Situation> {
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

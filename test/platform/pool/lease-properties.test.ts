import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { VersionSeed } from '../../support/platform/a-version.ts';
import { anEngine, type FakeEngine } from '../../support/platform/an-engine.ts';
import type { StartFault } from '../../support/platform/fake-backend.ts';

const VERSIONS = ['a', 'b', 'c', 'd'] as const;
const ENDS = ['good', 'good', 'good', 'throw', 'die', 'hang'] as const;
const MIB = 1024 ** 2;

type Action =
  | {
      readonly kind: 'call';
      readonly on: number;
      readonly end: number;
      readonly runMs: number;
      readonly goneMs: number;
    }
  | { readonly kind: 'wind'; readonly ms: number }
  | { readonly kind: 'fault'; readonly fault: StartFault }
  | { readonly kind: 'kill'; readonly index: number }
  | { readonly kind: 'redeploy' | 'retire' | 'cool' | 'warm'; readonly on: number }
  | { readonly kind: 'cap' | 'wish'; readonly on: number; readonly count: number };

const on = fc.nat(VERSIONS.length - 1);
const call = fc.record({
  kind: fc.constant('call' as const),
  on,
  end: fc.nat(ENDS.length - 1),
  runMs: fc.nat(300),
  goneMs: fc.oneof({ weight: 3, arbitrary: fc.constant(-1) }, { weight: 1, arbitrary: fc.nat(400) }),
});
const wind = fc.record({ kind: fc.constant('wind' as const), ms: fc.nat(250) });
const faults = fc.constantFrom<StartFault>('fails', 'hangs', 'dead', 'deaf');
const actions: fc.Arbitrary<Action[]> = fc.array(
  fc.oneof(
    { weight: 10, arbitrary: call },
    { weight: 6, arbitrary: wind },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('fault' as const), fault: faults }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('kill' as const), index: fc.nat(20) }) },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constantFrom('redeploy', 'retire', 'cool', 'warm'), on }) as fc.Arbitrary<Action>,
    },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constantFrom('cap', 'wish'), on, count: fc.nat(5) }) as fc.Arbitrary<Action>,
    },
  ),
  { minLength: 5, maxLength: 60 },
);

const seeds: readonly VersionSeed[] = [
  { launch: { timeoutMs: 1_000 }, pool: { instancesMax: 2, queueDepth: 6, usesMax: 4 } },
  { launch: { timeoutMs: 2_000, concurrency: 3 }, pool: { instancesMax: 3, keepWarm: 1, ageMaxMs: 3_000 } },
  { launch: { timeoutMs: 800 }, pool: { instancesMax: 3, reuse: 'never' } },
  { launch: { timeoutMs: 800, concurrency: 2 }, pool: { instancesMax: 3, reuse: 'by-hand' } },
];

class World {
  readonly engine: FakeEngine;
  readonly ends: Array<Promise<string>> = [];
  settled = 0;
  #deploys = 0;

  constructor() {
    // Room for about five instances: pools take memory from each other.
    this.engine = anEngine({
      host: { cpus: 2, memoryBytes: 1_300 * MIB },
      keptForChildrenBytes: 192 * MIB,
      startTimeoutMs: 3_000,
      fake: {
        handler: async ({ payload, sleep, die }) => {
          const { end, runMs } = JSON.parse(Buffer.from(payload).toString());
          await sleep(runMs);
          if (end === 'throw') throw new Error('no');
          if (end === 'die') return die();
          if (end === 'hang') return sleep(1e9);
          return payload;
        },
      },
    });
    for (const [index, versionId] of VERSIONS.entries()) this.engine.put(versionId, seeds[index]);
  }

  async act(action: Action): Promise<void> {
    const { engine } = this;
    switch (action.kind) {
      case 'call': {
        const controller = new AbortController();
        if (action.goneMs >= 0) engine.clock.after(action.goneMs, () => controller.abort(new Error('gone')));
        const payload = JSON.stringify({ end: ENDS[action.end], runMs: action.runMs });
        const end = engine.outcome(VERSIONS[action.on]!, {
          payload,
          signal: controller.signal,
          depth: action.runMs % 2,
        });
        this.ends.push(end);
        void end.then(() => {
          this.settled += 1;
        });
        return;
      }
      case 'wind':
        return engine.clock.wind(action.ms);
      case 'fault':
        engine.backend.faults.push(action.fault);
        return;
      case 'kill':
        [...engine.backend.live][action.index]?.exit(137, null);
        return;
      case 'redeploy':
        this.#deploys += 1;
        engine.put(VERSIONS[action.on]!, { ...seeds[action.on], deployId: `deploy ${this.#deploys}` });
        return engine.pools.refresh(VERSIONS[action.on]!);
      case 'retire':
        return engine.pools.retire(VERSIONS[action.on]!);
      case 'cool':
        engine.pools.cool(VERSIONS[action.on]!, { alsoBusy: engine.pools.processes % 2 === 0 });
        return;
      case 'warm':
        void engine.pools.warm(VERSIONS[action.on]!, { count: 2, source: 'manual' }).catch(() => {});
        return;
      case 'cap': {
        const seed = seeds[action.on]!;
        engine.put(VERSIONS[action.on]!, { ...seed, pool: { ...seed.pool, instancesMax: action.count } });
        return engine.pools.refresh(VERSIONS[action.on]!);
      }
      case 'wish':
        return engine.pools.wish(VERSIONS[action.on]!, {
          wanted: action.count,
          untilMs: engine.clock.wallMs() + 2_000,
        });
      default:
        return action satisfies never;
    }
  }

  check(): void {
    const { engine } = this;
    engine.expectSound();
    const { reservedBytes, budgetBytes } = engine.pools.memory();
    expect(reservedBytes).toBeLessThanOrEqual(budgetBytes);
    for (const { version, peak } of engine.backend.started) {
      expect(peak).toBeLessThanOrEqual(version.launch.concurrency);
    }
  }
}

describe('whatever happens', () => {
  it('every call ends once, every lease comes back once, and the counts agree at every step', async () => {
    await fc.assert(
      fc.asyncProperty(actions, async (script) => {
        const world = new World();
        for (const action of script) {
          await world.act(action);
          world.check();
        }
        // No wake-up is lost: longer than the longest wait, failover and run, and everybody has an answer.
        await world.engine.clock.wind(15_000);
        expect(world.settled).toBe(world.ends.length);
        world.check();
        for (const {
          running,
          waiting,
          coldCalls,
          warmCalls,
          requests,
          latencyCounts,
        } of world.engine.pools.snapshots()) {
          expect([running, waiting]).toEqual([0, 0]);
          expect(coldCalls + warmCalls).toBeLessThanOrEqual(requests);
          expect(latencyCounts.reduce((sum, count) => sum + count, 0)).toBe(requests);
        }
        expect(world.engine.router.callsUnderWay).toBe(0);
        await world.engine.end();
        expect(world.engine.clock.pendingTimers).toBeLessThanOrEqual(world.ends.length * 2);
      }),
      { numRuns: 60 },
    );
  }, 60_000);

  it('calls are served in the order in which they came, but for those whose callers went', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ runMs: fc.integer({ min: 1, max: 50 }), goneMs: fc.integer({ min: -300, max: 300 }) }), {
          minLength: 2,
          maxLength: 25,
        }),
        async (calls) => {
          const engine = anEngine({
            fake: { handler: ({ payload, sleep }) => sleep(Number(Buffer.from(payload).toString().split(' ')[1])) },
          });
          engine.put('v', { launch: { timeoutMs: 60_000 }, pool: { instancesMax: 1, ageMaxMs: 500, idleTtlMs: 1e9 } });
          const ends = calls.map(({ runMs, goneMs }, index) => {
            const controller = new AbortController();
            if (goneMs >= 0) engine.clock.after(goneMs, () => controller.abort(new Error('gone')));
            return engine.outcome('v', { payload: `${index} ${runMs}`, signal: controller.signal });
          });
          await engine.clock.wind(20_000);
          const outcomes = await Promise.all(ends);
          const served = engine.backend.started.flatMap((instance) =>
            instance.served.map((text) => Number(text.split(' ')[0])),
          );
          expect(served).toEqual(served.toSorted((one, other) => one - other));
          // Who did not go was served.
          for (const [index, { goneMs }] of calls.entries()) {
            if (goneMs >= 0) continue;
            expect(served).toContain(index);
            expect(['cold', 'warm']).toContain(outcomes[index]);
          }
          await engine.end();
        },
      ),
      { numRuns: 40 },
    );
  }, 60_000);
});

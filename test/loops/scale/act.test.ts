import pino from 'pino';
import { describe, expect, it } from 'vitest';
import { MemoryStore } from '../../../src/adapters/memory/store.ts';
import { MemoryWorld } from '../../../src/adapters/memory/world.ts';
import type { Actuation } from '../../../src/domain/actuation.ts';
import type { Decision } from '../../../src/domain/decision.ts';
import { ABSENT_GAUGE, ABSENT_WINDOW } from '../../../src/domain/signal.ts';
import { Act, type ActOptions } from '../../../src/loops/scale/act.ts';
import { type Tracked, track } from '../../../src/loops/scale/tracked.ts';
import { FRESH_MEMORY } from '../../../src/scaling/memory.ts';
import { silentMeters } from '../../../src/telemetry/meters.ts';
import { RareLog } from '../../../src/telemetry/rare-log.ts';
import { anActuation, FencedControlPlane } from '../../support/fenced-control-plane.ts';
import { HandWoundClock, settle } from '../../support/hand-wound-clock.ts';

const BUCKET = 7;
const SCALING = {
  intervalMs: 15_000,
  claimDeadlineMs: 3_000,
  claimHoldMs: 5_000,
  actuationConcurrency: 32,
  retryDelayMs: 1_000,
  retryDelayMaxMs: 60_000,
  goneDelayMaxMs: 600_000,
};
let serial = 0;

function aVersion(versionId = 'v1'): Tracked {
  const tracked = track({
    versionId,
    functionId: 'f1',
    account: 'a1',
    bucket: BUCKET,
    profiles: [],
    seenMs: 0,
    discoveryToken: 1n,
  });
  tracked.isStateRead = true;
  return tracked;
}

function aDecision(clock: HandWoundClock, wanted: number, previous?: number): Decision {
  return {
    verdict: wanted > (previous ?? 0) ? 'raise' : 'lower',
    previous,
    actual: previous,
    wanted,
    reasons: [{ code: 'load-above-target', facts: {} }],
    policy: 'steps',
    atMs: clock.wallMs(),
    signals: {
      profile: undefined,
      utilisation: ABSENT_WINDOW,
      demand: ABSENT_WINDOW,
      instances: ABSENT_GAUGE,
      invocation: { quality: 'absent', lastMs: undefined, watchedSinceMs: undefined },
    },
  };
}

function aStage(options: { controlPlane?: FencedControlPlane } = {}) {
  const clock = new HandWoundClock();
  const world = new MemoryWorld({ clock });
  const controlPlane = options.controlPlane ?? new FencedControlPlane();
  const member = (memberId: string, changes: Partial<ActOptions> = {}) => {
    const store = new MemoryStore(world, { name: memberId });
    const outcomes: Actuation['outcome'][] = [];
    const counted: string[] = [];
    const act = new Act({
      memberId,
      states: store.states,
      actuator: controlPlane,
      clock,
      random: { next: () => 1, uuid: () => `nonce-${serial++}` },
      rareLog: new RareLog({ clock, logger: pino({ level: 'silent' }), everyMs: 60_000 }),
      meters: { ...silentMeters, add: (name) => counted.push(name) },
      mayAct: () => true,
      onActed: (_tracked, _decision, actuation) => outcomes.push(actuation.outcome),
      settings: { scaling: SCALING },
      ...changes,
    });
    const want = (tracked: Tracked, wanted: number) =>
      act.run([{ tracked, decision: aDecision(clock, wanted, tracked.state?.applied) }], new AbortController().signal);
    return { act, store, want, outcomes, counted };
  };
  return { clock, world, controlPlane, member, row: () => world.states.shelf(BUCKET).get('v1') };
}

describe('acting on a decision', () => {
  it('claims, sends with the token, and settles what was accepted', async () => {
    const { controlPlane, member, row } = aStage();
    const { want } = member('m1');
    const tracked = aVersion();
    await want(tracked, 3);
    expect(controlPlane.counts.get('v1')).toBe(3);
    expect(controlPlane.sent[0]?.token).toBe(row()?.token);
    expect(row()).toMatchObject({ phase: 'settled', outcome: 'applied', applied: 3, holder: 'm1' });
    expect(tracked.state).toMatchObject({ phase: 'settled', applied: 3 });
  });

  it('does not remember a failed write as done, and asks again with a higher token', async () => {
    const { clock, controlPlane, member, row } = aStage();
    const { want } = member('m1');
    const tracked = aVersion();
    await want(tracked, 2);
    controlPlane.fault = () => anActuation({ outcome: 'failed', status: 503, detail: 'down' });
    await want(tracked, 5);
    expect(row()).toMatchObject({ phase: 'settled', outcome: 'failed', applied: 2 });
    const failedToken = row()?.token ?? 0n;
    controlPlane.fault = () => undefined;
    await clock.wind(2_000);
    await want(tracked, 5);
    expect(row()).toMatchObject({ outcome: 'applied', applied: 5 });
    expect(row()?.token).toBeGreaterThan(failedToken);
  });

  it('waits longer after each failure, and as long as Retry-After says', async () => {
    const { clock, controlPlane, member } = aStage();
    const { want } = member('m1');
    const tracked = aVersion();
    controlPlane.fault = () => anActuation({ outcome: 'failed', status: 503 });
    await want(tracked, 2);
    await want(tracked, 2);
    expect(controlPlane.sent).toHaveLength(1);
    await clock.wind(1_000);
    await want(tracked, 2);
    await clock.wind(1_000);
    await want(tracked, 2);
    expect(controlPlane.sent).toHaveLength(2);
    await clock.wind(1_000);
    controlPlane.fault = () => anActuation({ outcome: 'failed', status: 429, retryAfterMs: 30_000 });
    await want(tracked, 2);
    await clock.wind(29_999);
    await want(tracked, 2);
    expect(controlPlane.sent).toHaveLength(3);
    await clock.wind(1);
    await want(tracked, 2);
    expect(controlPlane.sent).toHaveLength(4);
  });

  it('sends nothing for a claim that it lost, and goes on from the row that won', async () => {
    const { controlPlane, member } = aStage();
    const memory = { ...FRESH_MEMORY, cycles: 3, highs: [1_000, 3] };
    const first = member('m1');
    const second = member('m2');
    const mine = aVersion();
    const theirs = aVersion();
    mine.memory = memory;
    await first.want(mine, 3);
    await second.want(theirs, 9);
    expect(controlPlane.sent).toHaveLength(1);
    expect(theirs.state).toMatchObject({ holder: 'm1', applied: 3 });
    // Also with the aims that the other one has seen: its raise is not lowered at once for want of them.
    expect(theirs.memory).toEqual(memory);
    await second.want(theirs, 9);
    expect(controlPlane.counts.get('v1')).toBe(9);
  });

  it('sends nothing when it stood still between the claim and the write', async () => {
    const { clock, world, controlPlane, member, row } = aStage();
    const { want, outcomes } = member('m1');
    world.fateOf = ({ operation }) => ({
      kind: 'answered',
      beforeMs: 0,
      afterMs: operation === 'states.claim' ? 3_000 : 0,
    });
    const tracked = aVersion();
    const done = want(tracked, 4);
    await clock.wind(3_000);
    await done;
    expect(controlPlane.sent).toEqual([]);
    expect(outcomes).toEqual(['failed']);
    expect(row()?.applied).toBeUndefined();
  });

  it('sends nothing when the right to act went while the claim was on its way', async () => {
    const { controlPlane, member } = aStage();
    const rights = [true, false];
    const { want } = member('m1', { mayAct: () => rights.shift() ?? false });
    await want(aVersion(), 4);
    expect(controlPlane.sent).toEqual([]);
  });

  it('cannot free or overwrite the next owner after a pause: the late settle changes nothing', async () => {
    const { clock, controlPlane, member, row } = aStage();
    const paused = member('m1');
    const next = member('m2');
    let release = () => {};
    controlPlane.fault = (wish) => {
      if (wish.wanted !== 4) return undefined;
      return new Promise((resolve) => {
        release = () => resolve(controlPlane.accept(wish));
      });
    };
    const mine = aVersion();
    const running = paused.want(mine, 4);
    await settle();
    const theirs = aVersion();
    theirs.state = row();
    await clock.wind(1);
    await next.want(theirs, 6);
    release();
    await running;
    expect(controlPlane.counts.get('v1')).toBe(6);
    expect(paused.outcomes).toEqual(['fenced']);
    // One of the same fleet was newer, and the store knows it: that is what fencing is for.
    expect(paused.counted).not.toContain('starling_token_regressions_total');
    expect(row()).toMatchObject({ holder: 'm2', phase: 'settled', applied: 6 });
    expect(mine.state).toMatchObject({ holder: 'm2' });
  });

  it('overtakes a control plane that has seen a higher token than a restored store', async () => {
    const { clock, controlPlane, member } = aStage();
    const farAhead = BigInt(clock.wallMs() + 3_600_000) * 1_000n;
    controlPlane.accept({ account: 'a1', functionId: 'f1', versionId: 'v1', wanted: 8, token: farAhead, decidedMs: 0 });
    const { want, outcomes, counted } = member('m1');
    const tracked = aVersion();
    await want(tracked, 9);
    await clock.wind(2_000);
    await want(tracked, 9);
    expect(outcomes).toEqual(['fenced', 'applied']);
    expect(counted.filter((name) => name === 'starling_token_regressions_total')).toHaveLength(1);
    expect(controlPlane.sent[1]?.token).toBe(farAhead + 1n);
  });

  it("respects another member's pending claim for a while where the control plane checks no tokens", async () => {
    const { clock, controlPlane, member, row } = aStage({ controlPlane: new FencedControlPlane('plain') });
    const dead = member('m1', { mayAct: () => true });
    controlPlane.fault = () => new Promise(() => {});
    void dead.want(aVersion(), 4);
    await settle();
    controlPlane.fault = () => undefined;
    const { want } = member('m2');
    const tracked = aVersion();
    tracked.state = row();
    await want(tracked, 6);
    await clock.wind(4_999);
    await want(tracked, 6);
    expect(controlPlane.counts.get('v1')).toBeUndefined();
    await clock.wind(1);
    await want(tracked, 6);
    expect(controlPlane.counts.get('v1')).toBe(6);
  });

  it('takes all changes of a bucket in one claim and one settlement', async () => {
    const { clock, world, controlPlane, member } = aStage();
    const operations: string[] = [];
    world.fateOf = ({ operation }) => {
      operations.push(operation);
      return { kind: 'answered', beforeMs: 0, afterMs: 0 };
    };
    const { act } = member('m1');
    const changes = Array.from({ length: 40 }, (_, index) => ({
      tracked: aVersion(`v${index}`),
      decision: aDecision(clock, 2),
    }));
    await act.run(changes, new AbortController().signal);
    expect(controlPlane.sent).toHaveLength(40);
    expect(operations).toEqual(['states.claim', 'states.settle']);
  });

  it('claims and sends nothing in a dry run, and tells each wish once', async () => {
    const { controlPlane, member, row } = aStage();
    controlPlane.isDry = ({ functionId }) => functionId === 'f1';
    const { want, outcomes } = member('m1');
    const tracked = aVersion();
    await want(tracked, 4);
    await want(tracked, 4);
    await want(tracked, 5);
    expect(outcomes).toEqual(['dry-run', 'dry-run']);
    expect(controlPlane.sent).toEqual([]);
    expect(row()).toBeUndefined();
  });

  it('does not count what was never sent against the control plane', async () => {
    const { controlPlane, member } = aStage();
    const rights = [true, false, true, true];
    const { want, outcomes } = member('m1', { mayAct: () => rights.shift() ?? false });
    const tracked = aVersion();
    await want(tracked, 4);
    expect(tracked).toMatchObject({ failures: 0, notBeforeMs: 0 });
    await want(tracked, 4);
    expect(outcomes).toEqual(['failed', 'applied']);
    expect(controlPlane.counts.get('v1')).toBe(4);
  });

  it('settles the others of a bucket when the sending of one breaks down', async () => {
    const { clock, world, controlPlane, member } = aStage();
    const { act, outcomes } = member('m1');
    controlPlane.fault = (wish) => {
      if (wish.versionId === 'v1') throw new TypeError('a fault of ours');
      return undefined;
    };
    const changes = ['v1', 'v2'].map((versionId) => ({
      tracked: aVersion(versionId),
      decision: aDecision(clock, 2),
    }));
    await act.run(changes, new AbortController().signal);
    expect(outcomes.toSorted()).toEqual(['applied', 'unknown']);
    const rows = world.states.shelf(BUCKET);
    expect(rows.get('v1')).toMatchObject({ phase: 'settled', outcome: 'unknown' });
    expect(rows.get('v2')).toMatchObject({ phase: 'settled', outcome: 'applied', applied: 2 });
  });

  it('sends what it claimed at once, whatever became of the claims beside it', async () => {
    const { world, controlPlane, member } = aStage();
    const { store, act } = member('m1');
    const claim = store.states.claim.bind(store.states);
    store.states.claim = async (bucket, claims) => {
      const results = await claim(bucket, claims);
      return results.map((result, index) => (index === 0 ? { ...result, outcome: 'unknown' as const } : result));
    };
    world.fateOf = ({ operation }) =>
      operation === 'states.readOne'
        ? { kind: 'refused', error: 'unavailable', afterMs: 10_000 }
        : { kind: 'answered', beforeMs: 0, afterMs: 0 };
    const changes = ['v1', 'v2'].map((versionId) => ({
      tracked: aVersion(versionId),
      decision: aDecision(new HandWoundClock(), 2),
    }));
    void act.run(changes, new AbortController().signal);
    await settle();
    expect(controlPlane.sent.map(({ versionId }) => versionId)).toEqual(['v2']);
    expect(world.states.shelf(BUCKET).get('v2')).toMatchObject({ phase: 'settled', applied: 2 });
  });

  it('goes on from the row as it is when it is not known whether its claim is there', async () => {
    const { world, controlPlane, member, row } = aStage();
    const { want } = member('m1');
    const tracked = aVersion();
    await want(tracked, 3);
    world.fateOf = ({ operation }) =>
      operation === 'states.claim'
        ? { kind: 'lost', applies: 'now', giveUpMs: 0 }
        : { kind: 'answered', beforeMs: 0, afterMs: 0 };
    await want(tracked, 5);
    expect(controlPlane.sent).toHaveLength(1);
    expect(tracked.state).toEqual(row());
    expect(tracked.state).toMatchObject({ phase: 'pending', wanted: 5, applied: 3 });
  });

  it('stays in doubt about an order until one is accepted, whatever fails in between', async () => {
    const { clock, controlPlane, member, row } = aStage();
    const { want } = member('m1');
    const tracked = aVersion();
    await want(tracked, 10);
    controlPlane.fault = () => anActuation({ outcome: 'unknown' });
    await want(tracked, 12);
    expect(row()).toMatchObject({ phase: 'settled', outcome: 'unknown', applied: 10, wanted: 12 });
    for (const outcome of ['failed', 'refused'] as const) {
      controlPlane.fault = () => anActuation({ outcome });
      await clock.wind(5_000);
      await want(tracked, 12);
      expect(row()).toMatchObject({ outcome: 'unknown', applied: 10 });
    }
    controlPlane.fault = () => undefined;
    await clock.wind(10_000);
    await want(tracked, 12);
    expect(row()).toMatchObject({ outcome: 'applied', applied: 12 });
  });

  it('knows what the control plane took when only the settling failed, and that it is not settled', async () => {
    const { world, controlPlane, member, row } = aStage();
    const { want } = member('m1');
    const tracked = aVersion();
    world.fateOf = ({ operation }) =>
      operation === 'states.settle'
        ? { kind: 'refused', error: 'unavailable', afterMs: 0 }
        : { kind: 'answered', beforeMs: 0, afterMs: 0 };
    await want(tracked, 4);
    expect(controlPlane.counts.get('v1')).toBe(4);
    expect(row()).toMatchObject({ phase: 'pending', wanted: 4 });
    expect(tracked).toMatchObject({ isUnsettled: true, state: { applied: 4 } });
    world.fateOf = () => ({ kind: 'answered', beforeMs: 0, afterMs: 0 });
    await want(tracked, 4);
    expect(row()).toMatchObject({ phase: 'settled', applied: 4 });
    expect(tracked.isUnsettled).toBe(false);
  });

  it('drops what waited too long for its turn, and what was decided too long ago', async () => {
    const { clock, controlPlane, member } = aStage();
    const { act } = member('m1');
    const waits = [20_000, 0];
    controlPlane.admit = async () => {
      const waitMs = waits.shift() ?? 0;
      if (waitMs > 0) await new Promise<void>((resolve) => clock.after(waitMs, resolve));
    };
    const { signal } = new AbortController();
    const decision = aDecision(clock, 2);
    const waiting = act.run([{ tracked: aVersion('v1'), decision }], signal);
    await clock.wind(20_000);
    await waiting;
    expect(controlPlane.sent).toEqual([]);
    // Twenty seconds after it was made, but without any wait here: a long pass took that time.
    await act.run([{ tracked: aVersion('v2'), decision }], signal);
    expect(controlPlane.sent).toHaveLength(1);
    await clock.wind(40_001);
    await act.run([{ tracked: aVersion('v3'), decision }], signal);
    expect(controlPlane.sent).toHaveLength(1);
  });

  it('has no more buckets in hand at a time than it may, also over several runs', async () => {
    const { clock, controlPlane, member } = aStage();
    const { act } = member('m1', { settings: { scaling: { ...SCALING, actuationConcurrency: 2 } } });
    let [inHand, most] = [0, 0];
    controlPlane.fault = async (wish) => {
      inHand += 1;
      most = Math.max(most, inHand);
      await settle();
      inHand -= 1;
      return controlPlane.accept(wish);
    };
    const change = (bucket: number) => {
      const tracked = aVersion(`v${bucket}`);
      tracked.version = { ...tracked.version, bucket };
      return { tracked, decision: aDecision(clock, 2) };
    };
    const { signal } = new AbortController();
    await Promise.all([act.run([1, 2, 3].map(change), signal), act.run([4, 5, 6].map(change), signal)]);
    expect(controlPlane.sent).toHaveLength(6);
    expect(most).toBe(2);
  });

  it('leaves everything for the next cycle when the store is away', async () => {
    const { controlPlane, member } = aStage();
    const { want, store } = member('m1');
    store.line.failNext('unavailable');
    const tracked = aVersion();
    await want(tracked, 4);
    expect(controlPlane.sent).toEqual([]);
    await want(tracked, 4);
    expect(controlPlane.counts.get('v1')).toBe(4);
  });
});

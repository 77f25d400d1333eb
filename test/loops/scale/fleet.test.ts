import { describe, expect, it } from 'vitest';
import { MemoryStore } from '../../../src/adapters/memory/store.ts';
import { MemoryWorld } from '../../../src/adapters/memory/world.ts';
import type { Target } from '../../../src/domain/target.ts';
import { Fleet } from '../../../src/loops/scale/fleet.ts';
import { writeMemo } from '../../../src/loops/scale/memo.ts';
import { FRESH_MEMORY } from '../../../src/scaling/memory.ts';
import { activeOf, claimOf, settlementOf } from '../../contract/store/rows.ts';
import { HandWoundClock } from '../../support/hand-wound-clock.ts';

const DAY = 86_400_000;

function aFleetOf() {
  const clock = new HandWoundClock();
  const world = new MemoryWorld({ clock });
  const store = new MemoryStore(world, { name: 'me' });
  const forgotten: string[] = [];
  const fleet = new Fleet({
    catalogue: store.catalogue,
    states: store.states,
    settings: {
      scaling: { catalogueRefreshMs: 60_000, stateRefreshMs: 300_000 },
      store: { forgetAfterMs: 30 * DAY },
    },
    onForget: (versionId) => forgotten.push(versionId),
  });
  const refresh = (owned: readonly number[]) =>
    fleet.refresh(owned, { monotonicMs: clock.monotonicMs(), wallMs: clock.wallMs() });
  const enrol = (versionId: string, bucket: number, ttlSeconds = 1_800) => {
    return store.catalogue.enrol(bucket, [activeOf(versionId, { bucket })], { ttlSeconds });
  };
  const known = (buckets: readonly number[]) => [...fleet.of(buckets)].map(({ version }) => version.versionId);
  return { clock, world, store, fleet, forgotten, refresh, enrol, known };
}

describe('the versions in this care', () => {
  it('are known once their active rows and their durable rows have been read', async () => {
    const { store, fleet, refresh, enrol, known } = aFleetOf();
    await enrol('a', 1);
    store.line.failNext('unavailable', 'states.read');
    await expect(refresh([1])).rejects.toThrow();
    expect([fleet.size, fleet.holds(1), known([1])]).toEqual([1, false, []]);
    await refresh([1]);
    expect([fleet.holds(1), known([1])]).toEqual([true, ['a']]);
  });

  it('tells those that have just been discovered from those that came with their bucket', async () => {
    const { clock, fleet, refresh, enrol, known } = aFleetOf();
    await enrol('a', 1);
    await refresh([1]);
    await enrol('b', 1);
    await clock.wind(60_000);
    await refresh([1]);
    expect(fleet.get('a')).toMatchObject({ isNewborn: false, sinceMs: 0 });
    expect(fleet.get('b')).toMatchObject({ isNewborn: true, sinceMs: 60_000 });
    expect(known([1])).toEqual(['a', 'b']);
  });

  it('stay known when their metrics carry another bucket, in whatever order the rows are read', async () => {
    for (const [from, to] of [
      [1, 2],
      [2, 1],
    ] as const) {
      const { clock, forgotten, refresh, enrol, known } = aFleetOf();
      await enrol('a', from, 90);
      await refresh([1, 2]);
      await clock.wind(15_000);
      await refresh([1, 2]);
      await enrol('a', to);
      await clock.wind(60_000);
      await refresh([1, 2]);
      expect(known([1, 2])).toEqual(['a']);
      await clock.wind(60_000);
      await refresh([1, 2]);
      expect(known([1, 2])).toEqual(['a']);
      expect(known([from])).toEqual([]);
      expect(forgotten).toEqual([]);
    }
  });

  it('are marked as unread in objects still held when they have left', async () => {
    const { fleet, forgotten, refresh, enrol } = aFleetOf();
    await enrol('a', 1);
    await refresh([1]);
    const tracked = fleet.get('a');
    expect(fleet.keepOnly([2])).toEqual([1]);
    expect([tracked?.isStateRead, fleet.size, forgotten]).toEqual([false, 0, ['a']]);
  });

  it('come with the memory that the owner before left', async () => {
    const { clock, store, fleet, refresh, enrol } = aFleetOf();
    const memory = { ...FRESH_MEMORY, cycles: 3, wish: 7, raisedMs: clock.wallMs() + 60_000 };
    await enrol('a', 1);
    await store.states.claim(1, [claimOf('a', { memo: writeMemo({ memory, lastKnown: undefined }) })]);
    await refresh([1]);
    // A predecessor whose clock was ahead must not hold the version for as long.
    expect(fleet.get('a')?.memory).toMatchObject({ cycles: 3, wish: 7, raisedMs: clock.wallMs() });
  });

  it('come back with the memory of the owner that judged them last, when this replica stood still meanwhile', async () => {
    const { clock, store, fleet, refresh, enrol } = aFleetOf();
    await enrol('a', 1);
    const mine = claimOf('a', { memo: writeMemo({ memory: { ...FRESH_MEMORY, wish: 4 }, lastKnown: undefined }) });
    await store.states.claim(1, [mine]);
    await refresh([1]);
    const tracked = fleet.get('a');
    if (!tracked) throw new Error('the version was not read');
    const lastKnown = { target: { functionId: 'f' } as Target, atMs: clock.wallMs() };
    // What is kept here alone and was never written: the aims since.
    Object.assign(tracked, { memory: { ...tracked.memory, cycles: 3, highs: [clock.wallMs(), 4] }, lastKnown });
    const theirHighs = [clock.wallMs(), 16];
    const memory = { ...FRESH_MEMORY, cycles: 3, wish: 15, highs: theirHighs };
    await store.states.claim(1, [
      claimOf('a', {
        observed: mine.token,
        token: mine.token + 1n,
        holder: 'm2',
        memo: writeMemo({ memory, lastKnown: undefined }),
      }),
    ]);
    fleet.distrustAll(clock.wallMs());
    await refresh([1]);
    // With its own it would lower at once what the other one has just raised.
    expect(tracked.memory).toMatchObject({ wish: 15, highs: theirHighs });
    expect(tracked.lastKnown).toEqual(lastKnown);
  });

  it('never step back behind what this replica wrote itself', async () => {
    const { clock, store, fleet, refresh, enrol } = aFleetOf();
    await enrol('a', 1);
    const claim = claimOf('a');
    await store.states.claim(1, [claim]);
    await refresh([1]);
    const tracked = fleet.get('a');
    if (!tracked?.state) throw new Error('the row was not read');
    const newer = { ...tracked.state, token: claim.token + 5n, wanted: 42 };
    tracked.state = newer;
    await clock.wind(300_000);
    await refresh([1]);
    expect(tracked.state).toBe(newer);
  });

  it('have no time ahead of them after the clock was set back', async () => {
    const { clock, fleet, refresh, enrol } = aFleetOf();
    await enrol('a', 1);
    await refresh([1]);
    const aheadMs = clock.wallMs() + 3_600_000;
    const tracked = fleet.get('a');
    if (!tracked) throw new Error('the version was not read');
    Object.assign(tracked, {
      lastInvokedMs: aheadMs,
      watchedSinceMs: aheadMs,
      profileMissingSinceMs: undefined,
      memory: { ...FRESH_MEMORY, cycles: 3, loweredMs: aheadMs, moves: [aheadMs, -2] },
    });
    fleet.distrustAll(clock.wallMs());
    const nowMs = clock.wallMs();
    expect(tracked).toMatchObject({
      lastInvokedMs: nowMs,
      watchedSinceMs: nowMs,
      profileMissingSinceMs: undefined,
      memory: { cycles: 3, loweredMs: nowMs, moves: [nowMs, -2] },
    });
  });

  it('are in doubt after a break of time, also those whose rows were on their way', async () => {
    const { clock, world, fleet, refresh, enrol, known } = aFleetOf();
    await enrol('a', 1);
    await refresh([1]);
    await enrol('b', 2);
    const tracked = fleet.get('a');
    fleet.distrustAll(clock.wallMs());
    expect(known([1])).toEqual([]);
    world.fateOf = () => ({ kind: 'answered', beforeMs: 0, afterMs: 100 });
    for (const brokenMs of [50, 150]) {
      const reading = refresh([1, 2]);
      await clock.wind(brokenMs);
      fleet.distrustAll(clock.wallMs());
      await clock.wind(300);
      await reading;
      expect(known([1, 2])).toEqual([]);
      // The active rows came before the second break, and after the first.
      expect(fleet.get('b') !== undefined).toBe(brokenMs === 150);
    }
    world.fateOf = () => ({ kind: 'answered', beforeMs: 0, afterMs: 0 });
    await refresh([1]);
    expect(known([1])).toEqual(['a']);
    expect(fleet.get('a')).toBe(tracked);
  });

  it('are looked at a second time soon, for the owner before may have written until it heard of the change', async () => {
    const { clock, store, fleet, refresh, enrol } = aFleetOf();
    await enrol('a', 1);
    await refresh([1]);
    const claim = claimOf('a', { wanted: 5 });
    await store.states.claim(1, [claim]);
    await store.states.settle(1, [settlementOf(claim)]);
    await clock.wind(10_000);
    await refresh([1]);
    expect(fleet.get('a')?.state?.applied).toBe(5);
    const next = claimOf('a', { observed: claim.token, wanted: 6 });
    await store.states.claim(1, [next]);
    await store.states.settle(1, [settlementOf(next)]);
    await clock.wind(290_000);
    await refresh([1]);
    expect(fleet.get('a')?.state?.applied).toBe(5);
    await clock.wind(10_000);
    await refresh([1]);
    expect(fleet.get('a')?.state?.applied).toBe(6);
  });

  it('keep what became of their last order, though the row has not heard of it', async () => {
    const { clock, store, fleet, refresh, enrol } = aFleetOf();
    await enrol('a', 1);
    const claim = claimOf('a');
    await store.states.claim(1, [claim]);
    await refresh([1]);
    const tracked = fleet.get('a');
    if (!tracked?.state) throw new Error('the row was not read');
    expect(tracked.state.phase).toBe('pending');
    tracked.state = { ...tracked.state, phase: 'settled', outcome: 'applied', applied: 9 };
    await clock.wind(300_000);
    await refresh([1]);
    expect(tracked).toMatchObject({ isUnsettled: true, state: { phase: 'settled', applied: 9 } });
    await store.states.settle(1, [settlementOf(claim, { applied: 9 })]);
    await clock.wind(300_000);
    await refresh([1]);
    expect(tracked).toMatchObject({ isUnsettled: false, state: { phase: 'settled', applied: 9 } });
  });
});

describe('the rows of versions that are long gone', () => {
  it('are removed a few at a time, and a store that refuses spoils nothing', async () => {
    const { clock, world, store, fleet, refresh, enrol, known } = aFleetOf();
    await enrol('a', 1, 40 * 86_400);
    const claims = Array.from({ length: 80 }, (_, index) => claimOf(`gone${index}`));
    await store.states.claim(1, claims);
    await store.states.settle(
      1,
      claims.map((claim) => settlementOf(claim, { settledMs: clock.wallMs() })),
    );
    await clock.wind(31 * DAY);
    world.fateOf = ({ operation }) =>
      operation === 'states.forget'
        ? { kind: 'refused', error: 'unavailable', afterMs: 0 }
        : { kind: 'answered', beforeMs: 0, afterMs: 0 };
    await refresh([1]);
    expect(known([1])).toEqual(['a']);
    expect(world.states.peek(1)?.size).toBe(80);
    world.fateOf = () => ({ kind: 'answered', beforeMs: 0, afterMs: 0 });
    fleet.distrustAll(clock.wallMs());
    await refresh([1]);
    expect(world.states.peek(1)?.size).toBe(48);
  });
});

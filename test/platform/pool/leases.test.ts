import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { anEngine, type FakeEngine } from '../../support/platform/an-engine.ts';

describe('leases', () => {
  let engine: FakeEngine;
  beforeEach(() => {
    engine = anEngine({ fake: { handler: ({ sleep }) => sleep(60) } });
  });
  afterEach(() => engine.end());

  it('one call in flight per instance (cap 1, eight calls: one launch, no overlap), first come, first served', async () => {
    engine.put('v', { pool: { instancesMax: 1 } });
    const calls = Array.from({ length: 8 }, (_, index) => engine.outcome('v', { payload: `call ${index}` }));
    await engine.clock.wind(100 + 8 * 60);
    expect(await Promise.all(calls)).toEqual(['cold', ...Array(7).fill('warm')]);
    expect(engine.backend.launches).toBe(1);
    expect(engine.backend.peakOverlap).toBe(1);
    expect(engine.backend.started[0]?.served).toEqual(Array.from({ length: 8 }, (_, index) => `call ${index}`));
  });

  it('the pool grows with load and never beyond its cap (cap 4, eight calls of 60 ms)', async () => {
    engine.put('v', { pool: { instancesMax: 4 } });
    const calls = Array.from({ length: 8 }, () => engine.outcome('v'));
    await engine.clock.wind(100 + 2 * 60);
    expect((await Promise.all(calls)).filter((end) => end === 'cold')).toHaveLength(4);
    expect(engine.backend.launches).toBe(4);
    expect(engine.backend.peakOverlap).toBe(1);
  });

  it('cold, warming, warm, busy, warm; the second call is warm and on the same instance', async () => {
    engine.put('v');
    const first = engine.invoke('v');
    expect(engine.states('v')).toEqual(['warming']);
    await engine.clock.wind(100);
    expect(engine.states('v')).toEqual(['busy']);
    await engine.clock.wind(60);
    expect(engine.states('v')).toEqual(['warm']);
    const second = engine.invoke('v');
    expect(engine.states('v')).toEqual(['busy']);
    await engine.clock.wind(60);
    const [cold, warm] = await Promise.all([first, second]);
    expect([cold.isCold, warm.isCold]).toEqual([true, false]);
    expect(warm.instanceId).toBe(cold.instanceId);
    expect([cold.waitedMs, cold.ranMs, warm.waitedMs, warm.ranMs]).toEqual([100, 60, 0, 60]);
    expect(engine.of('v')).toMatchObject({ coldCalls: 1, warmCalls: 1, waits: 1, waitedSeconds: 0.1 });
  });

  it('writes the call of a free warm instance before anything is awaited, and makes no timer', async () => {
    engine.put('v');
    const first = engine.invoke('v');
    await engine.clock.wind(200);
    await first;
    const before = engine.clock.pendingTimers;
    const second = engine.invoke('v', { payload: 'at once' });
    expect(engine.backend.started[0]?.served.at(-1)).toBe('at once');
    // The handler's own sleep and the instance's time-out.
    expect(engine.clock.pendingTimers - before).toBe(2);
    await engine.clock.wind(60);
    await second;
  });

  it('hands out the instance that was used last, so that surplus ones grow idle', async () => {
    engine.put('v');
    const two = [engine.invoke('v'), engine.invoke('v')];
    await engine.clock.wind(160);
    const [, last] = await Promise.all(two);
    for (let round = 0; round < 3; round += 1) {
      const call = engine.invoke('v');
      await engine.clock.wind(1_000);
      expect((await call).instanceId).toBe(last?.instanceId);
    }
  });

  it('a call that asked for a start and was served by a freed instance is warm, and the new instance joins the pool', async () => {
    engine.backend.startMs = 1_000;
    engine.put('v');
    const first = engine.outcome('v');
    await engine.clock.wind(1_000);
    const second = engine.outcome('v');
    await engine.clock.wind(150);
    expect([await first, await second]).toEqual(['cold', 'warm']);
    expect(engine.backend.launches).toBe(2);
    await engine.clock.wind(1_000);
    expect(engine.states('v')).toEqual(['warm', 'warm']);
    const third = engine.outcome('v');
    await engine.clock.wind(60);
    expect(await third).toBe('warm');
    expect(engine.of('v')).toMatchObject({ coldCalls: 1, warmCalls: 2, spawned: { lazy: 2 } });
  });

  it('takes several calls at a time where the function says that it can, and spreads them', async () => {
    engine.put('v', { launch: { concurrency: 3 }, pool: { instancesMax: 2 } });
    const calls = Array.from({ length: 7 }, (_, index) => engine.outcome('v', { payload: String(index) }));
    await engine.clock.wind(100);
    expect(engine.backend.launches).toBe(2);
    expect(engine.of('v')).toMatchObject({ running: 6, waiting: 1 });
    await engine.clock.wind(59);
    engine.expectSound();
    await engine.clock.wind(100);
    expect((await Promise.all(calls)).filter((end) => end === 'cold')).toHaveLength(2);
    expect(engine.backend.peakOverlap).toBe(3);
    // Three calls at once for 60 ms are 180 ms of busy time.
    expect(
      engine
        .of('v')
        .instances.map(({ busySeconds }) => busySeconds)
        .sort(),
    ).toEqual([0.18, 0.24]);
  });

  it('busy time is that of leases: starting is none, and running calls count as they run', async () => {
    engine.put('v');
    const call = engine.invoke('v');
    await engine.clock.wind(130);
    expect(engine.of('v').instances[0]?.busySeconds).toBeCloseTo(0.03);
    await engine.clock.wind(1_000);
    await call;
    expect(engine.of('v').instances[0]?.busySeconds).toBeCloseTo(0.06);
  });

  it('notices a lease that comes back twice, and does nothing else', async () => {
    const version = engine.put('v');
    const pool = engine.pools.poolFor(version);
    const coming = pool.leasing.wait({ nowMs: 0, order: 1, deadlineMs: 5_000, isChild: false, isRetry: false });
    await engine.clock.wind(100);
    const lease = await coming;
    pool.leasing.release(lease, { nowMs: 100, hasRun: false, reason: undefined });
    pool.leasing.release(lease, { nowMs: 100, hasRun: false, reason: undefined });
    expect(engine.events.filter(({ type }) => type === 'breach')).toHaveLength(1);
    expect(engine.pools.breaches()).toEqual([]);
    engine.events.length = 0;
  });
});

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { anEngine, type FakeEngine } from '../../support/platform/an-engine.ts';

describe('ending instances', () => {
  let engine: FakeEngine;
  beforeEach(() => {
    engine = anEngine({ scaler: { hasInnerRules: false }, fake: { handler: ({ sleep }) => sleep(60) } });
  });
  afterEach(() => engine.end());

  const warmUp = async (count: number, versionId = 'v') => {
    const warmed = engine.pools.warm(versionId, { count, source: 'manual' });
    await engine.clock.wind(400);
    expect(await warmed).toBe(count);
  };

  describe('the reaper', () => {
    it('every 30 s, what was idle for too long; never a busy one', async () => {
      engine.put('v', { launch: { timeoutMs: 600_000 }, pool: { idleTtlMs: 60_000 } });
      await warmUp(2);
      engine.backend.handlers.set('v', ({ sleep }) => sleep(200_000));
      const call = engine.outcome('v');
      await engine.clock.wind(59_000);
      expect(engine.states('v')).toEqual(['busy', 'warm']);
      await engine.clock.wind(31_000);
      expect(engine.states('v')).toEqual(['busy']);
      await engine.clock.wind(150_000);
      expect(await call).toBe('warm');
    });

    it('idle means idle since the last call, not since the start', async () => {
      engine.put('v', { pool: { idleTtlMs: 60_000 } });
      await warmUp(1);
      for (let minute = 0; minute < 5; minute += 1) {
        await engine.clock.wind(45_000);
        const call = engine.outcome('v');
        await engine.clock.wind(100);
        expect(await call).toBe('warm');
      }
      expect(engine.backend.launches).toBe(1);
    });

    it('what is over its age: free ones at once, busy ones after their call', async () => {
      engine.put('v', { launch: { timeoutMs: 600_000 }, pool: { ageMaxMs: 100_000, idleTtlMs: 1e9 } });
      await warmUp(2);
      engine.backend.handlers.set('v', ({ sleep }) => sleep(150_000));
      const call = engine.outcome('v');
      await engine.clock.wind(125_000);
      expect(engine.states('v')).toEqual(['busy']);
      await engine.clock.wind(30_000);
      expect(await call).toBe('warm');
      expect(engine.of('v')).toMatchObject({ instances: [], stoppedBy: { age: 2 } });
    });

    it('what has served its number of calls', async () => {
      engine.put('v', { pool: { usesMax: 3 } });
      const ids: string[] = [];
      for (let round = 0; round < 7; round += 1) {
        const call = engine.invoke('v');
        await engine.clock.wind(200);
        ids.push((await call).instanceId);
      }
      expect(new Set(ids).size).toBe(3);
      expect(engine.of('v').stoppedBy).toEqual({ uses: 2 });
    });

    it('does not let callers wait until what has ended was reaped', async () => {
      engine.backend.stopMs = 1_500;
      engine.put('v', { pool: { usesMax: 1, instancesMax: 1 } });
      const calls = [engine.outcome('v'), engine.outcome('v')];
      await engine.clock.wind(320);
      expect(await Promise.all(calls)).toEqual(['cold', 'cold']);
      expect(engine.states('v')).toEqual(['terminating', 'terminating']);
      await engine.clock.wind(2_000);
    });

    it('keeps the least count that the operator asked for, and what is kept warm once there was traffic', async () => {
      engine.put('min', { pool: { instancesMin: 2, idleTtlMs: 1_000 } });
      engine.put('warm', { pool: { keepWarm: 2, idleTtlMs: 1_000 } });
      engine.pools.refresh('min');
      engine.pools.refresh('warm');
      await engine.clock.wind(200);
      expect(engine.states('min')).toEqual(['warm', 'warm']);
      expect(engine.pools.of('warm')).toBeUndefined();
      const call = engine.outcome('warm');
      await engine.clock.wind(3_000);
      await call;
      expect(engine.states('warm')).toEqual(['warm', 'warm']);
      await engine.clock.wind(120_000);
      expect(engine.states('min')).toEqual(['warm', 'warm']);
      expect(engine.states('warm')).toEqual(['warm', 'warm']);
      engine.backend.started[0]?.exit(1, null);
      await engine.clock.wind(3_000);
      expect(engine.states('min')).toEqual(['warm', 'warm']);
    });
  });

  describe('another deploy', () => {
    it('free instances of the old one end, and exactly one new is left', async () => {
      engine.put('v');
      await warmUp(1);
      engine.put('v', { deployId: 'second' });
      const call = engine.invoke('v');
      expect(engine.states('v')).toEqual(['terminating', 'warming']);
      await engine.clock.wind(300);
      expect((await call).isCold).toBe(true);
      expect(engine.states('v')).toEqual(['warm']);
      expect(engine.backend.launches).toBe(2);
      expect(engine.backend.live.size).toBe(1);
      expect(engine.of('v').stoppedBy).toEqual({ 'stale-deploy': 1 });
    });

    it('a busy one ends its call and is never handed out again', async () => {
      engine.put('v');
      const old = engine.invoke('v', { payload: 'old' });
      await engine.clock.wind(110);
      engine.put('v', { deployId: 'second' });
      engine.pools.refresh('v');
      expect(engine.states('v')).toEqual(['busy']);
      const fresh = engine.invoke('v', { payload: 'new' });
      await engine.clock.wind(300);
      expect((await old).instanceId).not.toBe((await fresh).instanceId);
      expect(engine.of('v').stoppedBy).toEqual({ 'stale-deploy': 1 });
    });

    it('stops starts of the old code, and starts the new for who waits', async () => {
      engine.put('v');
      const call = engine.invoke('v');
      await engine.clock.wind(50);
      engine.put('v', { deployId: 'second' });
      engine.pools.refresh('v');
      await engine.clock.wind(300);
      expect((await call).isCold).toBe(true);
      expect(engine.backend.started.map(({ version }) => version.deployId)).toEqual(['second']);
      expect(engine.of('v').failedStarts).toBe(0);
    });
  });

  describe('bounds that change', () => {
    it('hold at once: surplus free ones end, surplus busy ones after their call', async () => {
      engine.put('v', { pool: { instancesMax: 4 } });
      await warmUp(4);
      const calls = [engine.outcome('v'), engine.outcome('v'), engine.outcome('v')];
      engine.put('v', { pool: { instancesMax: 1 } });
      engine.pools.refresh('v');
      await engine.clock.wind(10);
      expect(engine.states('v')).toEqual(['busy', 'busy', 'busy']);
      await engine.clock.wind(100);
      await Promise.all(calls);
      expect(engine.states('v')).toEqual(['warm']);
    });

    it('let those who wait have more at once', async () => {
      engine.put('v', { pool: { instancesMax: 1 } });
      const calls = Array.from({ length: 4 }, () => engine.outcome('v'));
      await engine.clock.wind(110);
      expect(engine.backend.launches).toBe(1);
      engine.put('v', { pool: { instancesMax: 4 } });
      engine.pools.refresh('v');
      expect(engine.backend.launches).toBe(4);
      await engine.clock.wind(300);
      await Promise.all(calls);
    });
  });

  describe('retiring', () => {
    it('exactly the instances that are there; a function that is made again is safe', async () => {
      engine.put('v');
      await warmUp(2);
      const busy = engine.outcome('v', { payload: 'old' });
      engine.pools.retire('v');
      engine.versions.delete('v');
      expect(engine.states('v')).toEqual(['busy', 'terminating']);
      // Made again under the same id while an old instance still runs its call.
      engine.put('v', { deployId: 'again' });
      const again = engine.invoke('v', { payload: 'new' });
      await engine.clock.wind(200);
      expect(await busy).toBe('warm');
      expect((await again).isCold).toBe(true);
      expect(engine.states('v')).toEqual(['warm']);
      const [live] = engine.backend.live;
      expect(live?.version.deployId).toBe('again');
      expect(engine.pools.memory().reservedBytes).toBe(192 * 1024 ** 2);
    });

    it('turns away who waits, and forgets the version when its last process was reaped', async () => {
      engine.put('v', { pool: { instancesMax: 1 } });
      const calls = [engine.outcome('v'), engine.outcome('v')];
      await engine.clock.wind(110);
      engine.versions.delete('v');
      engine.pools.retire('v');
      await engine.clock.wind(100);
      expect(await Promise.all(calls)).toEqual(['cold', 'version-unknown']);
      expect(engine.pools.of('v')).toBeUndefined();
      expect(engine.clock.pendingTimers).toBe(0);
    });

    it('ends starts that are under way or wait for their turn', async () => {
      engine.put('v');
      const warmed = engine.pools.warm('v', { count: 8, source: 'manual' });
      await engine.clock.wind(50);
      engine.pools.retire('v');
      await engine.clock.wind(10);
      expect(await warmed).toBe(0);
      expect(engine.of('v').instances).toEqual([]);
      expect(engine.backend.launches).toBe(4);
    });

    it('holds what the operator keeps down until a call comes', async () => {
      engine.put('v', { pool: { instancesMin: 1 } });
      engine.pools.refresh('v');
      await engine.clock.wind(200);
      engine.pools.retire('v');
      await engine.clock.wind(60_000);
      expect(engine.of('v').instances).toEqual([]);
      engine.pools.refresh('v');
      await engine.clock.wind(200);
      expect(engine.states('v')).toEqual(['warm']);
    });

    it('of what has no pool does nothing', () => {
      engine.pools.retire('unknown');
      engine.pools.refresh('unknown');
      engine.pools.wish('unknown', { wanted: 3, untilMs: engine.clock.wallMs() + 1_000 });
      expect([...engine.pools.snapshots()]).toEqual([]);
    });
  });

  describe('stopping', () => {
    it('lets calls end, turns away who waits, and leaves no process', async () => {
      engine.put('v', { pool: { instancesMax: 1 } });
      const calls = [engine.outcome('v'), engine.outcome('v')];
      await engine.clock.wind(110);
      engine.router.stop();
      const stopped = engine.pools.stop({ graceMs: 1_000 });
      expect(await engine.outcome('v')).toBe('stopping');
      await engine.clock.wind(100);
      await stopped;
      expect(await Promise.all(calls)).toEqual(['cold', 'stopping']);
      expect(engine.backend.live.size).toBe(0);
      expect(engine.clock.pendingTimers).toBe(0);
    });

    it('kills what is still busy when the grace is over', async () => {
      engine.put('v', { launch: { timeoutMs: 60_000 } });
      engine.backend.handlers.set('v', ({ sleep }) => sleep(50_000));
      const call = engine.outcome('v');
      await engine.clock.wind(110);
      const stopped = engine.pools.stop({ graceMs: 1_000 });
      await engine.clock.wind(1_010);
      await stopped;
      expect(await call).toBe('crashed');
    });
  });
});

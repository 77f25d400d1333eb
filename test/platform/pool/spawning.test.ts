import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { settle } from '../../support/hand-wound-clock.ts';
import { anEngine, type FakeEngine } from '../../support/platform/an-engine.ts';

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;

describe('starting instances', () => {
  let engine: FakeEngine;
  const begin = (seed: Parameters<typeof anEngine>[0] = {}) => {
    engine = anEngine({ fake: { handler: ({ sleep }) => sleep(60), ...seed.fake }, ...seed });
    return engine;
  };
  beforeEach(() => begin());
  afterEach(() => engine.end());

  it('nothing exists before the first call, and only for the functions that were called', async () => {
    for (let index = 0; index < 20; index += 1) engine.put(`v${index}`);
    for (const versionId of engine.versions.keys()) engine.pools.refresh(versionId);
    expect([...engine.pools.snapshots()]).toEqual([]);
    expect(engine.pools.memory().reservedBytes).toBe(0);
    const calls = [engine.invoke('v3'), engine.invoke('v7')];
    await engine.clock.wind(200);
    await Promise.all(calls);
    expect([...engine.pools.snapshots()].map(({ versionId }) => versionId)).toEqual(['v3', 'v7']);
  });

  it('a thousand registered idle functions cost no pool, no timer and no tick', async () => {
    for (let index = 0; index < 1_000; index += 1) engine.put(`v${index}`);
    for (const versionId of engine.versions.keys()) engine.pools.refresh(versionId);
    expect([engine.clock.pendingTimers, engine.pools.activePools]).toEqual([0, 0]);
    const call = engine.invoke('v500');
    await engine.clock.wind(200);
    await call;
    expect(engine.pools.activePools).toBe(1);
    // Idle for a minute, found within half a minute more: then all is as quiet as before.
    await engine.clock.wind(91_000);
    expect([engine.clock.pendingTimers, engine.pools.activePools]).toEqual([0, 0]);
    expect(engine.of('v500')).toMatchObject({ instances: [], requests: 1, coldCalls: 1, stoppedBy: { idle: 1 } });
  });

  it('a busy function takes no instance of another, and a slow start blocks only its own', async () => {
    engine.put('slow');
    engine.put('quick');
    engine.backend.faults.push('hangs');
    const slow = engine.outcome('slow');
    const quick = engine.outcome('quick');
    await engine.clock.wind(160);
    expect(await quick).toBe('cold');
    await engine.clock.wind(3_000);
    expect(await slow).toBe('wait-timeout');
  });

  it('a fresh instance goes to the one who waited, not to who comes at that moment', async () => {
    engine.put('v', { pool: { instancesMax: 1 } });
    const first = engine.invoke('v', { payload: 'first' });
    await engine.clock.wind(99);
    const late = engine.invoke('v', { payload: 'late' });
    await engine.clock.wind(1_000);
    expect((await first).isCold).toBe(true);
    expect((await late).isCold).toBe(false);
    expect(engine.backend.started[0]?.served).toEqual(['first', 'late']);
  });

  it('starts as many as there are callers, side by side, and no more', async () => {
    engine.put('v');
    const calls = Array.from({ length: 5 }, () => engine.invoke('v'));
    expect(engine.backend.launches).toBe(5);
    await engine.clock.wind(160);
    expect((await Promise.all(calls)).every(({ isCold }) => isCold)).toBe(true);
  });

  it('waits for an instance that is warming already instead of starting another', async () => {
    engine.put('v');
    const warmed = engine.pools.warm('v', { count: 1, source: 'prewarm' });
    await engine.clock.wind(50);
    const call = engine.outcome('v');
    expect(engine.backend.launches).toBe(1);
    await engine.clock.wind(120);
    // It was not started for this call.
    expect(await call).toBe('warm');
    await warmed;
  });

  it('never more than eight for each CPU, whatever the operator allows', async () => {
    begin({ host: { cpus: 1, memoryBytes: 8 * GIB } });
    engine.put('v', { pool: { instancesMax: 50 } });
    const calls = Array.from({ length: 20 }, () => engine.outcome('v'));
    expect(engine.of('v')).toMatchObject({ cap: 8, waiting: 20 });
    expect(engine.backend.launches).toBe(8);
    await engine.clock.wind(300);
    await Promise.all(calls);
  });

  it('turns calls away at once where no instance may ever run', async () => {
    engine.put('v', { pool: { instancesMax: 0 } });
    expect(await engine.outcome('v')).toBe('concurrency-zero');
  });

  describe('memory', () => {
    it('an instance is promised 1.5 times its memory before it starts, and gives it back when it was reaped', async () => {
      engine.put('v', { launch: { memoryMb: 128 } });
      const call = engine.invoke('v');
      expect(engine.pools.memory().reservedBytes).toBe(192 * MIB);
      await engine.clock.wind(200);
      await call;
      engine.pools.retire('v');
      // Told to end, and not reaped yet.
      expect(engine.states('v')).toEqual(['terminating']);
      expect(engine.pools.memory().reservedBytes).toBe(192 * MIB);
      await engine.clock.wind(5);
      expect(engine.pools.memory().reservedBytes).toBe(0);
    });

    it('starts stop at 80 % of the memory of the host: 49 of 128 MB on 11,961 MB', async () => {
      begin({ host: { cpus: 8, memoryBytes: 11_961 * MIB } });
      engine.put('v', { pool: { instancesMax: 64 } });
      const calls = Array.from({ length: 60 }, () => engine.outcome('v'));
      expect(engine.backend.launches).toBe(49);
      expect(engine.of('v').cap).toBe(49);
      await engine.clock.wind(300);
      // One with instances waits for them; nobody is turned away.
      expect((await Promise.all(calls)).filter((end) => end === 'warm')).toHaveLength(11);
    });

    it('a version without an instance is turned away when memory is all promised to busy ones', async () => {
      begin({ host: { cpus: 8, memoryBytes: 400 * MIB } });
      engine.put('hog');
      engine.put('late');
      const hog = engine.outcome('hog');
      await engine.clock.wind(110);
      expect(await engine.outcome('late')).toBe('memory-exhausted');
      await engine.clock.wind(100);
      await hog;
    });

    it('takes the longest idle instance of another pool, and waits until its memory is back', async () => {
      begin({ host: { cpus: 8, memoryBytes: 500 * MIB } });
      for (const versionId of ['old', 'young', 'late']) engine.put(versionId);
      for (const versionId of ['old', 'young']) {
        const call = engine.invoke(versionId);
        await engine.clock.wind(500);
        await call;
      }
      const late = engine.outcome('late');
      expect(engine.states('old')).toEqual(['terminating']);
      expect(engine.states('young')).toEqual(['warm']);
      await engine.clock.wind(300);
      expect(await late).toBe('cold');
      expect(engine.of('old').stoppedBy).toEqual({ room: 1 });
    });

    it('leaves alone what an operator wants to stay', async () => {
      begin({ host: { cpus: 8, memoryBytes: 250 * MIB } });
      engine.put('kept', { pool: { instancesMin: 1 } });
      engine.put('late');
      engine.pools.refresh('kept');
      await engine.clock.wind(200);
      expect(await engine.outcome('late')).toBe('memory-exhausted');
      expect(engine.states('kept')).toEqual(['warm']);
    });

    it('when strict, turns calls away at once that memory is lacking for', async () => {
      begin({ host: { cpus: 8, memoryBytes: 400 * MIB }, whenMemoryIsShort: 'refuse' });
      engine.put('v');
      const calls = [engine.outcome('v'), engine.outcome('v')];
      await settle();
      expect(await calls[1]).toBe('memory-exhausted');
      await engine.clock.wind(200);
      expect(await calls[0]).toBe('cold');
    });

    it('is never promised to an instance that could not fit at all', async () => {
      begin({ host: { cpus: 8, memoryBytes: GIB } });
      engine.put('v', { launch: { memoryMb: 2_048 } });
      expect(await engine.outcome('v')).toBe('memory-exhausted');
    });
  });

  describe('that fails', () => {
    it('fails the one call for which it was tried, and the next call tries again', async () => {
      engine.put('v');
      engine.backend.faults.push('fails');
      const first = engine.outcome('v');
      await engine.clock.wind(100);
      expect(await first).toBe('init-failed');
      expect(engine.pools.memory().reservedBytes).toBe(0);
      const second = engine.outcome('v');
      await engine.clock.wind(200);
      expect(await second).toBe('cold');
      expect(engine.of('v')).toMatchObject({ failedStarts: 1, failedCalls: { 'init-failed': 1 } });
    });

    it('leaves callers to the instances that serve', async () => {
      engine.put('v');
      const first = engine.outcome('v');
      await engine.clock.wind(110);
      engine.backend.faults.push('fails');
      const second = engine.outcome('v');
      await engine.clock.wind(1_000);
      expect([await first, await second]).toEqual(['cold', 'warm']);
    });

    it('is made up for at once where more than its caller wait', async () => {
      engine.put('v', { pool: { instancesMax: 1 } });
      engine.backend.faults.push('fails');
      const calls = [engine.outcome('v'), engine.outcome('v')];
      await engine.clock.wind(260);
      expect(await Promise.all(calls)).toEqual(['init-failed', 'cold']);
    });

    it('again and again is tried anew after the pause, for those who wait beside an instance that serves', async () => {
      engine.put('v', { launch: { timeoutMs: 10_000 } });
      const long = engine.outcome('v', { payload: 'long' });
      engine.backend.handlers.set('v', ({ payload, sleep }) => sleep(payload.length > 0 ? 9_000 : 10));
      await engine.clock.wind(100);
      engine.backend.faults.push('fails', 'fails', 'fails');
      const short = engine.outcome('v');
      await engine.clock.wind(300);
      expect(engine.of('v')).toMatchObject({ failedStarts: 3, waiting: 1 });
      await engine.clock.wind(199);
      expect(engine.backend.launches).toBe(4);
      await engine.clock.wind(111);
      expect(await short).toBe('cold');
      await engine.clock.wind(9_000);
      expect(await long).toBe('cold');
    });

    it('again and again is answered at once for a while, instead of being tried for every call', async () => {
      engine.put('v');
      engine.backend.faults.push(...Array(50).fill('fails'));
      const first = Array.from({ length: 3 }, () => engine.outcome('v'));
      await engine.clock.wind(100);
      expect(await Promise.all(first)).toEqual(Array(3).fill('init-failed'));
      const { launches } = engine.backend;
      expect(await Promise.all(Array.from({ length: 20 }, () => engine.outcome('v')))).toEqual(
        Array(20).fill('init-failed'),
      );
      expect(engine.backend.launches).toBe(launches);
      // After the pause it is tried again, and heals by itself.
      engine.backend.faults.length = 0;
      await engine.clock.wind(5_000);
      const healed = engine.outcome('v');
      await engine.clock.wind(200);
      expect(await healed).toBe('cold');
    });

    it('to end is given up, its call fails, and its memory comes back', async () => {
      begin({ startTimeoutMs: 5_000, scaler: { hasInnerRules: false } });
      engine.put('v', { launch: { timeoutMs: 60_000 } });
      engine.backend.faults.push('hangs');
      const call = engine.outcome('v');
      await engine.clock.wind(6_000);
      expect(await call).toBe('init-failed');
      expect(engine.of('v')).toMatchObject({ failedStarts: 1, stoppedBy: { overdue: 1 }, instances: [] });
      expect(engine.pools.memory().reservedBytes).toBe(0);
    });

    it('to end is made up for by the rules, where they see a caller wait', async () => {
      engine.put('v', { launch: { timeoutMs: 10_000 } });
      engine.backend.faults.push('hangs');
      const call = engine.outcome('v');
      await engine.clock.wind(5_000);
      expect(await call).toBe('warm');
      expect(engine.of('v').spawned.scaler).toBeGreaterThan(0);
    });
  });

  describe('by hand', () => {
    it('adds to what is there and resolves when they are warm', async () => {
      engine.put('v');
      const first = engine.pools.warm('v', { count: 2, source: 'manual' });
      await engine.clock.wind(100);
      expect(await first).toBe(2);
      const second = engine.pools.warm('v', { count: 3, source: 'manual' });
      await engine.clock.wind(200);
      expect(await second).toBe(5);
      expect(engine.of('v').spawned).toEqual({ manual: 5 });
      expect(engine.pools.cool('v')).toBe(5);
      expect(engine.pools.cool('v')).toBe(0);
      expect(engine.pools.cool('unknown')).toBe(0);
    });

    it('takes turns, two for each CPU, while calls start theirs at once', async () => {
      engine.put('v', { pool: { instancesMax: 16 } });
      engine.put('other');
      const warmed = engine.pools.warm('v', { count: 8, source: 'manual' });
      await settle();
      expect(engine.backend.launches).toBe(4);
      expect(engine.states('v')).toEqual([...Array(4).fill('cold'), ...Array(4).fill('warming')]);
      const call = engine.outcome('other');
      await engine.clock.wind(160);
      expect(await call).toBe('cold');
      await engine.clock.wind(100);
      expect(await warmed).toBe(8);
    });

    it('stops at the cap and at the memory, and says what there is', async () => {
      engine.put('v', { pool: { instancesMax: 3 } });
      const warmed = engine.pools.warm('v', { count: 10, source: 'manual' });
      await engine.clock.wind(200);
      expect(await warmed).toBe(3);
    });

    it('says why nothing could be warmed', async () => {
      await expect(engine.pools.warm('unknown', { count: 1, source: 'manual' })).rejects.toMatchObject({
        code: 'version-unknown',
      });
      engine.put('v');
      engine.backend.faults.push('fails', 'fails');
      const warmed = engine.pools.warm('v', { count: 2, source: 'manual' }).catch((error) => error.code);
      await engine.clock.wind(200);
      expect(await warmed).toBe('init-failed');
    });

    it('can be waited for no longer, and the instances come all the same', async () => {
      engine.put('v');
      const controller = new AbortController();
      const warmed = engine.pools.warm('v', { count: 1, source: 'manual', signal: controller.signal });
      controller.abort(new Error('gone'));
      await expect(warmed).rejects.toThrow('gone');
      await engine.clock.wind(100);
      expect(engine.states('v')).toEqual(['warm']);
    });
  });

  describe('where instances are not reused', () => {
    beforeEach(() => engine.put('v', { pool: { reuse: 'never', instancesMax: 3 } }));

    it('every call has its own, and it ends on every path', async () => {
      engine.backend.handlers.set('v', ({ payload }) => {
        if (Buffer.from(payload).toString() === 'throw') throw new TypeError('no');
        return payload;
      });
      const calls = ['a', 'throw', 'b', 'c', 'd'].map((payload) => engine.outcome('v', { payload }));
      await engine.clock.wind(1_000);
      expect(await Promise.all(calls)).toEqual(['cold', 'handler-failed', 'cold', 'cold', 'cold']);
      expect(engine.backend.launches).toBe(5);
      expect(engine.backend.live.size).toBe(0);
      expect(engine.of('v')).toMatchObject({ instances: [], reservedBytes: 0, stoppedBy: { 'not-reused': 5 } });
    });

    it('a warm pool may exist and is not used, and takes no room from calls', async () => {
      const warmed = engine.pools.warm('v', { count: 3, source: 'manual' });
      await engine.clock.wind(100);
      expect(await warmed).toBe(3);
      const call = engine.outcome('v');
      await engine.clock.wind(200);
      expect(await call).toBe('cold');
      expect(engine.states('v')).toEqual(['warm', 'warm', 'warm']);
    });

    it('neither rules nor wishes nor floors start what no call would use', async () => {
      engine.put('v', { pool: { reuse: 'never', instancesMin: 1, keepWarm: 1 }, launch: { timeoutMs: 60_000 } });
      engine.pools.wish('v', { wanted: 3, untilMs: engine.clock.wallMs() + 5_000 });
      for (let round = 0; round < 20; round += 1) {
        const calls = Array.from({ length: 4 }, () => engine.outcome('v'));
        await engine.clock.wind(1_000);
        expect(await Promise.all(calls)).toEqual(Array(4).fill('cold'));
      }
      expect(engine.of('v')).toMatchObject({ instances: [], spawned: { lazy: 80 }, reservedBytes: 0 });
    });

    it('ends the instance of a caller who has gone', async () => {
      const controller = new AbortController();
      const call = engine.outcome('v', { signal: controller.signal });
      await engine.clock.wind(50);
      controller.abort(new Error('gone'));
      expect(await call).toBe('gone');
      await engine.clock.wind(200);
      expect(engine.of('v').instances).toEqual([]);
    });
  });

  describe('where only what was warmed by hand is reused', () => {
    beforeEach(() => engine.put('v', { pool: { reuse: 'by-hand', instancesMax: 4, idleTtlMs: 3_600_000 } }));

    const warm = async (count: number) => {
      const warmed = engine.pools.warm('v', { count, source: 'manual' });
      await engine.clock.wind(100);
      return warmed;
    };

    it('a call without a warm pool has its own instance, which ends after it', async () => {
      for (const _ of [1, 2]) {
        const call = engine.outcome('v');
        await engine.clock.wind(200);
        expect(await call).toBe('cold');
      }
      expect(engine.of('v')).toMatchObject({ instances: [], stoppedBy: { 'not-reused': 2 }, reservedBytes: 0 });
    });

    it('calls are served by the warm pool while it has room, others have their own', async () => {
      await warm(2);
      engine.backend.handlers.set('v', ({ sleep }) => sleep(500));
      const calls = Array.from({ length: 3 }, () => engine.outcome('v'));
      await engine.clock.wind(700);
      expect(await Promise.all(calls)).toEqual(['warm', 'warm', 'cold']);
      expect(engine.of('v').instances.map(({ source }) => source)).toEqual(['manual', 'manual']);
    });

    it('a call that waits for its own instance is served by one of the warm pool that becomes free first', async () => {
      await warm(1);
      engine.backend.handlers.set('v', ({ sleep }) => sleep(50));
      const calls = Array.from({ length: 2 }, () => engine.outcome('v'));
      await engine.clock.wind(300);
      expect(await Promise.all(calls)).toEqual(['warm', 'warm']);
      expect(engine.states('v')).toEqual(['warm']);
    });

    it('an instance of the warm pool outlives a handler that throws, and one whose handler hangs is replaced by a cold start', async () => {
      engine.put('v', { pool: { reuse: 'by-hand', idleTtlMs: 3_600_000 }, launch: { timeoutMs: 200 } });
      await warm(1);
      engine.backend.handlers.set('v', async ({ payload, sleep }) => {
        const told = Buffer.from(payload).toString();
        if (told === 'throw') throw new TypeError('no');
        if (told === 'hang') await sleep(10_000);
        return payload;
      });
      const outcomes: string[] = [];
      for (const payload of ['throw', 'a', 'hang', 'b']) {
        const call = engine.outcome('v', { payload });
        await engine.clock.wind(400);
        outcomes.push(await call);
      }
      expect(outcomes).toEqual(['handler-failed', 'warm', 'timeout', 'cold']);
      expect(engine.of('v').instances).toEqual([]);
    });

    it('neither rules nor wishes change a warm pool that was made by hand', async () => {
      await warm(2);
      engine.pools.wish('v', { wanted: 0, untilMs: engine.clock.wallMs() + 600_000 });
      await engine.clock.wind(120_000);
      expect(engine.states('v')).toEqual(['warm', 'warm']);
    });

    it('taking the warm pool back ends what is free at once and what is busy after its call', async () => {
      await warm(2);
      engine.backend.handlers.set('v', ({ sleep }) => sleep(500));
      const call = engine.outcome('v');
      await engine.clock.wind(100);
      expect(engine.pools.cool('v', { alsoBusy: true })).toBe(2);
      expect(engine.pools.cool('v', { alsoBusy: true })).toBe(0);
      await engine.clock.wind(600);
      expect(await call).toBe('warm');
      expect(engine.of('v')).toMatchObject({ instances: [], stoppedBy: { 'by-hand': 2 } });
    });
  });

  it('reuses what is warm where it may, and starts what is not there', async () => {
    engine.put('v', { pool: { idleTtlMs: Number.POSITIVE_INFINITY } });
    const warmed = engine.pools.warm('v', { count: 2, source: 'manual' });
    await engine.clock.wind(100);
    await warmed;
    engine.backend.handlers.set('v', ({ sleep }) => sleep(500));
    const calls = Array.from({ length: 3 }, () => engine.outcome('v'));
    await engine.clock.wind(700);
    expect(await Promise.all(calls)).toEqual(['warm', 'warm', 'cold']);
  });
});

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { anEngine, type FakeEngine } from '../../support/platform/an-engine.ts';

describe('the wish of the control plane', () => {
  let engine: FakeEngine;
  const begin = (seed: Parameters<typeof anEngine>[0] = {}) => {
    engine = anEngine({ fake: { handler: ({ sleep }) => sleep(60) }, ...seed });
    return engine;
  };
  beforeEach(() => begin());
  afterEach(() => engine.end());

  const wish = (wanted: number, forMs = 60_000) =>
    engine.pools.wish('v', { wanted, untilMs: engine.clock.wallMs() + forMs });

  it('starts instances at once, before the first call', async () => {
    engine.put('v');
    wish(3);
    expect(engine.of('v')).toMatchObject({ wanted: 3, wishUntilMs: engine.clock.wallMs() + 60_000 });
    await engine.clock.wind(200);
    expect(engine.states('v')).toEqual(['warm', 'warm', 'warm']);
    expect(engine.of('v')).toMatchObject({ spawned: { external: 3 }, scaleUps: 3 });
  });

  it('never passes the cap nor goes below the least count of the operator', async () => {
    engine.put('v', { pool: { instancesMin: 1, instancesMax: 4 } });
    wish(100);
    await engine.clock.wind(300);
    expect(engine.states('v')).toHaveLength(4);
    wish(0);
    await engine.clock.wind(40_000);
    expect(engine.states('v')).toEqual(['warm']);
  });

  it('lowers by half of the surplus a tick, the longest idle first', async () => {
    engine.put('v', { pool: { instancesMax: 16, idleTtlMs: 1e9 } });
    wish(9, 1e6);
    await engine.clock.wind(15_000);
    const before = engine.of('v').instances.map(({ instanceId }) => instanceId);
    wish(1, 1e6);
    const counts: number[] = [];
    for (let tick = 0; tick < 5; tick += 1) {
      await engine.clock.wind(2_000);
      counts.push(engine.states('v').length);
    }
    expect(counts).toEqual([5, 3, 2, 1, 1]);
    expect(before.indexOf(engine.of('v').instances[0]?.instanceId ?? '')).toBe(8);
    expect(engine.of('v')).toMatchObject({ scaleDowns: 8, stoppedBy: { surplus: 8 } });
  });

  it('ends no busy instance', async () => {
    engine.put('v', { launch: { timeoutMs: 600_000 } });
    engine.backend.handlers.set('v', ({ sleep }) => sleep(100_000));
    wish(2, 1e6);
    await engine.clock.wind(200);
    const calls = [engine.outcome('v'), engine.outcome('v')];
    wish(0, 1e6);
    await engine.clock.wind(90_000);
    expect(engine.states('v')).toEqual(['busy', 'busy']);
    await engine.clock.wind(60_000);
    expect(await Promise.all(calls)).toEqual(['warm', 'warm']);
    expect(engine.states('v')).toEqual([]);
  });

  it('of zero drains, and the next call is served from zero', async () => {
    engine.put('v', { pool: { keepWarm: 2 } });
    wish(2);
    await engine.clock.wind(15_000);
    wish(0, 1e6);
    await engine.clock.wind(10_000);
    expect(engine.states('v')).toEqual([]);
    const call = engine.outcome('v');
    await engine.clock.wind(160);
    expect(await call).toBe('cold');
    // Not ended the moment it is free: the next call of the same caller finds it warm.
    await engine.clock.wind(8_000);
    const next = engine.outcome('v');
    await engine.clock.wind(100);
    expect(await next).toBe('warm');
    await engine.clock.wind(20_000);
    expect(engine.states('v')).toEqual([]);
  });

  it('stands above the inner rules while it holds, and gives way to them when it is over', async () => {
    engine.put('v', { launch: { timeoutMs: 1e6 }, pool: { instancesMax: 16 } });
    wish(2, 30_000);
    engine.backend.handlers.set('v', ({ sleep }) => sleep(1e5));
    const calls = [engine.outcome('v'), engine.outcome('v')];
    await engine.clock.wind(20_000);
    expect(engine.of('v')).toMatchObject({ wanted: 2 });
    expect(engine.states('v')).toHaveLength(2);
    await engine.clock.wind(15_000);
    // Two at once over 70 % are three.
    expect(engine.of('v')).toMatchObject({ wanted: 3, wishUntilMs: undefined, spawned: { scaler: 1 } });
    await engine.clock.wind(1e5);
    await Promise.all(calls);
  });

  it('holds against idleness: the reaper leaves what is wished for', async () => {
    engine.put('v', { pool: { idleTtlMs: 1_000 } });
    wish(2, 200_000);
    await engine.clock.wind(190_000);
    expect(engine.states('v')).toEqual(['warm', 'warm']);
    await engine.clock.wind(60_000);
    expect(engine.states('v')).toEqual([]);
  });

  it('is renewed by being wished again, and is over when it is not', async () => {
    engine.put('v', { pool: { idleTtlMs: 1_000 } });
    for (let minute = 0; minute < 5; minute += 1) {
      wish(2);
      await engine.clock.wind(50_000);
    }
    expect(engine.states('v')).toEqual(['warm', 'warm']);
    await engine.clock.wind(100_000);
    expect(engine.of('v').wishUntilMs).toBeUndefined();
    expect(engine.states('v')).toEqual([]);
  });

  it('is measured on the clock that does not jump', async () => {
    engine.put('v', { pool: { idleTtlMs: 1_000 } });
    wish(1);
    engine.clock.jumpWall(3_600_000);
    await engine.clock.wind(50_000);
    expect(engine.of('v').wishUntilMs).toBeDefined();
  });

  it('can be taken back', async () => {
    engine.put('v', { pool: { idleTtlMs: 1_000 } });
    wish(1);
    await engine.clock.wind(200);
    engine.pools.wish('v', undefined);
    expect(engine.of('v').wishUntilMs).toBeUndefined();
    await engine.clock.wind(60_000);
    expect(engine.states('v')).toEqual([]);
  });

  it('lets calls start more than it says, up to the cap; unless it is to hold them', async () => {
    engine.put('v', { pool: { instancesMax: 4 } });
    wish(1);
    await engine.clock.wind(100);
    const calls = Array.from({ length: 3 }, () => engine.outcome('v'));
    expect(engine.states('v')).toHaveLength(3);
    await engine.clock.wind(300);
    await Promise.all(calls);

    await engine.end();
    begin({ lazyAboveWish: 'hold' });
    engine.put('v', { pool: { instancesMax: 4 } });
    wish(0);
    const held = Array.from({ length: 3 }, () => engine.outcome('v'));
    expect(engine.states('v')).toEqual(['warming']);
    await engine.clock.wind(500);
    expect(await Promise.all(held)).toEqual(['cold', 'warm', 'warm']);
  });

  it('grows as memory allows, and goes on when there is more', async () => {
    await engine.end();
    begin({ host: { cpus: 8, memoryBytes: 500 * 1024 ** 2 } });
    engine.put('v');
    engine.put('other', { pool: { idleTtlMs: 1_000, instancesMin: 0 } });
    const call = engine.outcome('other');
    await engine.clock.wind(200);
    await call;
    wish(2, 1e6);
    await engine.clock.wind(1_000);
    expect(engine.states('v')).toEqual(['warm']);
    await engine.clock.wind(40_000);
    expect(engine.states('v')).toEqual(['warm', 'warm']);
  });
});

describe('the inner rules', () => {
  let engine: FakeEngine;
  beforeEach(() => {
    engine = anEngine({ fake: { handler: ({ sleep }) => sleep(900) } });
  });
  afterEach(() => engine.end());

  it('take back what load has left, but for the last one, which is left to the reaper', async () => {
    engine.put('v', { pool: { idleTtlMs: 600_000 } });
    const calls = Array.from({ length: 8 }, () => engine.outcome('v'));
    await engine.clock.wind(2_000);
    await Promise.all(calls);
    expect(engine.states('v')).toHaveLength(8);
    await engine.clock.wind(180_000);
    expect(engine.states('v')).toEqual(['warm']);
    expect(engine.of('v').scaleDowns).toBeGreaterThan(0);
    await engine.clock.wind(600_000);
    expect(engine.states('v')).toEqual([]);
  });

  it('a pool that is far too large shrinks while it is in use', async () => {
    engine.put('v', { pool: { idleTtlMs: 600_000 }, launch: { timeoutMs: 60_000 } });
    const wave = Array.from({ length: 10 }, () => engine.outcome('v'));
    await engine.clock.wind(2_000);
    await Promise.all(wave);
    for (let second = 0; second < 150; second += 1) {
      const call = engine.outcome('v');
      await engine.clock.wind(1_000);
      await call;
    }
    expect(engine.states('v').length).toBeLessThanOrEqual(3);
  });

  it('leave a warm pool that was made by hand', async () => {
    engine.put('v', { pool: { idleTtlMs: Number.POSITIVE_INFINITY } });
    const warmed = engine.pools.warm('v', { count: 5, source: 'manual' });
    await engine.clock.wind(300_000);
    expect(await warmed).toBe(5);
    expect(engine.states('v')).toHaveLength(5);
  });

  it('add nothing before there was traffic', async () => {
    engine.put('v', { pool: { instancesMin: 1 } });
    engine.pools.refresh('v');
    await engine.clock.wind(120_000);
    expect(engine.backend.launches).toBe(1);
  });

  it('every five seconds, keep two warm beside the busy ones where that is asked for', async () => {
    engine.put('v', { launch: { timeoutMs: 1e6 }, pool: { keepWarm: 2 } });
    engine.backend.handlers.set('v', ({ sleep }) => sleep(60_000));
    const call = engine.outcome('v');
    await engine.clock.wind(30_000);
    expect(engine.states('v')).toEqual(['busy', 'warm', 'warm']);
    await engine.clock.wind(40_000);
    await call;
  });

  it('keep two free beside the busy ones for as long as any is busy, and none after that', async () => {
    engine.put('v', { launch: { timeoutMs: 1e6 }, pool: { freeBesideBusy: 2, idleTtlMs: 20_000 } });
    engine.backend.handlers.set('v', ({ sleep }) => sleep(60_000));
    const call = engine.outcome('v');
    await engine.clock.wind(30_000);
    expect(engine.states('v')).toEqual(['busy', 'warm', 'warm']);
    await engine.clock.wind(130_000);
    await call;
    expect(engine.states('v')).toEqual([]);
  });

  it('what calls start counts as scaling up too', async () => {
    engine.put('v');
    const call = engine.outcome('v');
    await engine.clock.wind(1_500);
    await call;
    const warmed = engine.pools.warm('v', { count: 1, source: 'manual' });
    await engine.clock.wind(200);
    await warmed;
    expect(engine.of('v')).toMatchObject({ scaleUps: 1, spawned: { lazy: 1, manual: 1 } });
  });
});

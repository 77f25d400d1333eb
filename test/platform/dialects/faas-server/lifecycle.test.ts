import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../../src/adapters/system/clock.ts';
import { builtins } from '../../../../src/platform/builtin/builtins.ts';
import { FakeBackend, type FakeHandler } from '../../../support/platform/fake-backend.ts';
import { aFaasServer, type RunningFaasServer } from './a-faas-server.ts';

describe('instances of built-in functions', () => {
  let server: RunningFaasServer;
  let backend: FakeBackend;
  const start = async ({ isOptimised, handler }: { isOptimised: boolean; handler?: FakeHandler }) => {
    backend = new FakeBackend({
      clock: systemClock,
      startMs: 2,
      stopMs: 1,
      handler: handler ?? (() => Buffer.from('{}')),
    });
    server = await aFaasServer({
      isOptimised,
      openBackend: () => backend,
      openEngine: undefined,
      engine: { host: { cpus: 2, memoryBytes: 16 * 2 ** 30 }, tickMs: 10, reapEveryMs: 10 },
    });
  };
  const invoke = async (name: string, parameters: unknown = {}) =>
    (await server.ask('POST', `/fn/invoke/${name}`, parameters)).body;
  const sources = (name: string) =>
    server.platform.engine.pools.of(server.versionOf(name))?.instances.map(({ source }) => source) ?? [];
  const allGone = () => expect.poll(() => backend.live.size).toBe(0);

  afterEach(async () => {
    await server.stop();
    expect(backend.live.size).toBe(0);
  });

  describe('unoptimised', () => {
    it('each call deploys one and undeploys it', async () => {
      await start({ isOptimised: false });
      for (let call = 1; call <= 3; call += 1) {
        expect(await invoke('hash')).toEqual({ latency_ms: expect.any(Number) });
        expect(backend.launches).toBe(call);
        await allGone();
      }
    });

    it('a burst deploys as many as it calls, each with an address of its own, and undeploys all', async () => {
      await start({ isOptimised: false, handler: ({ instanceId }) => Buffer.from(JSON.stringify({ instanceId })) });
      const { body } = await server.ask('POST', '/fn/burst/hash?count=50');
      const ids = body.results.map(({ instanceId }: { instanceId: string }) => instanceId);
      expect(new Set(ids).size).toBe(50);
      expect([backend.launches, backend.peakOverlap]).toEqual([50, 1]);
      await allGone();
    });

    it('a chain deploys one for each step, and never two at a time', async () => {
      let most = 0;
      await start({
        isOptimised: false,
        handler: () => {
          most = Math.max(most, backend.live.size);
          return Buffer.from('{}');
        },
      });
      await server.ask('POST', '/fn/chain', { chain: ['hash', 'sort', 'hash', 'sort'] });
      expect(backend.launches).toBe(4);
      // What has answered may take a moment to end.
      expect(most).toBeLessThanOrEqual(2);
      await allGone();
    });

    it('a warm pool may be made, is not used, and is taken back', async () => {
      await start({ isOptimised: false });
      const made = await server.ask('POST', '/fn/warmpool/hash?size=3');
      expect([made.status, made.body]).toEqual([200, { function: 'hash', pool_size: 3, deployed: 3 }]);
      const reply = await invoke('hash');
      expect('warm' in reply).toBe(false);
      expect(backend.launches).toBe(4);
      await expect.poll(() => sources('hash')).toEqual(['manual', 'manual', 'manual']);
      expect((await server.ask('DELETE', '/fn/warmpool/hash')).body).toEqual({ function: 'hash', undeployed: 3 });
      await allGone();
    });
  });

  describe('optimised', () => {
    it('without a warm pool each call deploys one and undeploys it all the same', async () => {
      await start({ isOptimised: true });
      for (let call = 1; call <= 2; call += 1) {
        expect('warm' in (await invoke('hash'))).toBe(false);
        expect(backend.launches).toBe(call);
        await allGone();
      }
    });

    it('a warm pool serves calls one after another, says so, and deploys nothing', async () => {
      await start({ isOptimised: true });
      await server.ask('POST', '/fn/warmpool/fibonacci?size=2');
      for (let call = 0; call < 5; call += 1) {
        expect(await invoke('fibonacci')).toEqual({ latency_ms: expect.any(Number), warm: true });
      }
      expect(backend.launches).toBe(2);
    });

    it('calls beyond the warm pool are cold', async () => {
      const { promise: all, resolve } = Promise.withResolvers<void>();
      let running = 0;
      await start({
        isOptimised: true,
        handler: async () => {
          running += 1;
          if (running === 3) resolve();
          await all;
          return Buffer.from('{}');
        },
      });
      await server.ask('POST', '/fn/warmpool/hash?size=2');
      const replies = await Promise.all([invoke('hash'), invoke('hash'), invoke('hash')]);
      expect(replies.filter(({ warm }) => warm === true).length).toBe(2);
      await expect.poll(() => sources('hash')).toEqual(['manual', 'manual']);
    });

    it('a pool of ten serves twenty calls at once, and is gone when it was deleted', async () => {
      await start({ isOptimised: true, handler: ({ sleep }) => sleep(20).then(() => Buffer.from('{}')) });
      const made = await server.ask('POST', '/fn/warmpool/fibonacci?size=10');
      expect(made.body).toEqual({ function: 'fibonacci', pool_size: 10, deployed: 10 });
      const replies = await Promise.all(Array.from({ length: 20 }, () => invoke('fibonacci')));
      expect(replies.filter(({ warm }) => warm === true).length).toBeGreaterThanOrEqual(10);
      const { body } = await server.ask('DELETE', '/fn/warmpool/fibonacci');
      expect(body).toEqual({ function: 'fibonacci', undeployed: 10 });
      await allGone();
    });

    it('a call that fails leaves the warm pool whole; a pool that lost one says so', async () => {
      await start({
        isOptimised: true,
        handler: ({ payload, die }) => {
          const { end } = JSON.parse(Buffer.from(payload).toString());
          if (end === 'throw') throw new TypeError('n must be a whole number');
          return end === 'die' ? die() : Buffer.from('{}');
        },
      });
      await server.ask('POST', '/fn/warmpool/hash?size=2');
      expect(await invoke('hash', { end: 'throw' })).toEqual({ error: 'n must be a whole number' });
      expect(await invoke('hash', { end: 'die' })).toEqual({
        error: expect.stringContaining('ended before it answered'),
      });
      expect(await invoke('hash')).toMatchObject({ warm: true });
      const { body } = await server.ask('POST', '/fn/warmpool/hash?size=1');
      expect(body).toEqual({ function: 'hash', pool_size: 2, deployed: 1 });
    });

    it('a pool that is deleted while it serves lets its calls end, and takes no more', async () => {
      const { promise: held, resolve: letGo } = Promise.withResolvers<void>();
      await start({ isOptimised: true, handler: () => held.then(() => Buffer.from('{}')) });
      await server.ask('POST', '/fn/warmpool/hash?size=1');
      const call = invoke('hash');
      const { pools } = server.platform.engine;
      await expect.poll(() => pools.of(server.versionOf('hash'))?.running).toBe(1);
      expect((await server.ask('DELETE', '/fn/warmpool/hash')).body).toEqual({ function: 'hash', undeployed: 1 });
      letGo();
      expect(await call).toMatchObject({ warm: true });
      await allGone();
      expect('warm' in (await invoke('hash'))).toBe(false);
    });
  });

  it('a pool is five unless the request says otherwise, and grows by what is added', async () => {
    await start({ isOptimised: true });
    expect((await server.ask('POST', '/fn/warmpool/sort')).body).toEqual({
      function: 'sort',
      pool_size: 5,
      deployed: 5,
    });
    const { body } = await server.ask('POST', '/fn/warmpool/sort?size=2');
    expect(body).toEqual({ function: 'sort', pool_size: 7, deployed: 2 });
  });

  it('of two requests at once each counts its own instances', async () => {
    await start({ isOptimised: true });
    const replies = await Promise.all([2, 3].map((size) => server.ask('POST', `/fn/warmpool/sort?size=${size}`)));
    expect(replies.map(({ body }) => body.deployed)).toEqual([2, 3]);
    expect(Math.max(...replies.map(({ body }) => body.pool_size))).toBe(5);
  });

  it('what the machine does not hold is not deployed, and is not said to be', async () => {
    await start({ isOptimised: true });
    const { status, body } = await server.ask('POST', '/fn/warmpool/hash?size=64');
    expect([status, body]).toEqual([200, { function: 'hash', pool_size: 16, deployed: 16 }]);
  });

  it('a pool whose instances do not start is an error', async () => {
    await start({ isOptimised: true });
    backend.faults.push('fails', 'fails');
    const { status, body } = await server.ask('POST', '/fn/warmpool/hash?size=2');
    expect([status, Object.keys(body)]).toEqual([500, ['error']]);
  });

  it('deleting a pool that is not there undeploys nothing, of unknown functions too', async () => {
    await start({ isOptimised: false });
    for (const name of ['hash', 'nothing']) {
      const { status, body } = await server.ask('DELETE', `/fn/warmpool/${name}`);
      expect([status, body]).toEqual([200, { function: name, undeployed: 0 }]);
    }
  });

  it('a burst is not cut by how many instances may run at once', async () => {
    await start({ isOptimised: false, handler: ({ sleep }) => sleep(5).then(() => Buffer.from('{}')) });
    const { body } = await server.ask('POST', '/fn/burst/hash?count=100');
    expect(body.results.length).toBe(100);
    expect(backend.launches).toBe(100);
  });
});

describe('the built-in functions in the registry', () => {
  it('are made once, keep their ids over a restart, and follow the mode', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'starling-faas-'));
    try {
      const seen: unknown[] = [];
      for (const isOptimised of [false, true, false]) {
        const server = await aFaasServer({ dataDir, isOptimised });
        const { registry } = server.platform;
        expect(registry.functions('builtin').map(({ name }) => name)).toEqual([...builtins.keys()]);
        // A warm pool is there until somebody deletes it, or nobody has called for a month.
        expect(registry.version(server.versionOf('hash'))?.pool.idleTtlMs).toBe(30 * 86_400_000);
        seen.push([server.versionOf('hash'), registry.version(server.versionOf('hash'))?.pool.reuse]);
        await server.stop();
      }
      const [[versionId]] = seen as [[string, string]];
      expect(seen).toEqual([
        [versionId, 'never'],
        [versionId, 'by-hand'],
        [versionId, 'never'],
      ]);
    } finally {
      rmSync(dataDir, { recursive: true });
    }
  });

  it('of another release, whose code is not here, are taken away', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'starling-faas-'));
    try {
      const first = await aFaasServer({ dataDir });
      const { registry } = first.platform;
      const like = registry.version(first.versionOf('sort'));
      if (!like) throw new Error('no version');
      const code = { kind: 'builtin', name: 'gone' } as const;
      registry.create({ namespace: 'builtin', name: 'gone', launch: like.launch, pool: like.pool, code });
      await first.stop();
      const second = await aFaasServer({ dataDir });
      expect(second.versionOf('gone')).toBe('');
      expect((await second.ask('POST', '/fn/invoke/gone')).status).toBe(404);
      await second.stop();
    } finally {
      rmSync(dataDir, { recursive: true });
    }
  });

  it('take on the launch settings of this release, and keep what was set on them by hand', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'starling-faas-'));
    try {
      const first = await aFaasServer({ dataDir });
      const { registry } = first.platform;
      const version = registry.version(first.versionOf('sort'));
      if (!version) throw new Error('no version');
      const launch = { ...version.launch, memoryMb: 64 };
      registry.updateVersion(version.versionId, { launch, pool: { ...version.pool, instancesMax: 3 } });
      await first.stop();
      const second = await aFaasServer({ dataDir });
      const again = second.platform.registry.version(second.versionOf('sort'));
      expect([again?.launch, again?.pool.instancesMax]).toEqual([builtins.get('sort')?.launch, 3]);
      expect(again?.deployId).toBe(version.deployId);
      await second.stop();
    } finally {
      rmSync(dataDir, { recursive: true });
    }
  });
});

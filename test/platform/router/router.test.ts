import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PlatformError } from '../../../src/platform/model/platform-error.ts';
import { settle } from '../../support/hand-wound-clock.ts';
import { anEngine, type FakeEngine } from '../../support/platform/an-engine.ts';

describe('the router', () => {
  let engine: FakeEngine;
  const begin = (seed: Parameters<typeof anEngine>[0] = {}) => {
    engine = anEngine({ fake: { handler: ({ sleep }) => sleep(60) }, ...seed });
    return engine;
  };
  beforeEach(() => begin());
  afterEach(() => engine.end());

  const failure = (call: Promise<unknown>): Promise<PlatformError> =>
    call.then(
      () => Promise.reject(new Error('it ended well')),
      (error) => (error instanceof PlatformError ? error : Promise.reject(error)),
    );

  describe('before anything starts', () => {
    it.each([
      ['a version that nobody knows', undefined, 'version-unknown'],
      ['a function that is switched off', 'INACTIVE', 'not-active'],
      ['one that could not be deployed', 'ERRORED', 'not-active'],
      ['one that was deleted', 'DELETED', 'version-unknown'],
    ] as const)('refuses %s', async (_, status, code) => {
      if (status) engine.put('v', { status });
      expect(await engine.outcome('v')).toBe(code);
      expect(engine.backend.launches).toBe(0);
    });

    it('refuses the eighth call of functions by functions', async () => {
      engine.put('v');
      expect(await engine.outcome('v', { depth: 8 })).toBe('depth-exceeded');
      const seventh = engine.outcome('v', { depth: 7 });
      await engine.clock.wind(200);
      expect(await seventh).toBe('cold');
    });

    it('refuses everything once it is stopping', async () => {
      engine.put('v');
      engine.router.stop();
      expect(await engine.outcome('v')).toBe('stopping');
    });
  });

  describe('the limit of the host', () => {
    const open = { pool: { instancesMax: 2, queueDepth: 1_000 }, launch: { timeoutMs: 60_000 } };

    it('lets 200 in, makes others wait 250 ms in order, and refuses then', async () => {
      engine.put('v', open);
      engine.backend.handlers.set('v', ({ sleep }) => sleep(20_000));
      const calls = Array.from({ length: 200 }, () => engine.outcome('v'));
      const late = engine.outcome('v');
      await engine.clock.wind(249);
      expect(engine.router.callsUnderWay).toBe(200);
      expect(await Promise.race([late, Promise.resolve('waits')])).toBe('waits');
      await engine.clock.wind(1);
      expect(await late).toBe('overloaded');
      expect(engine.of('v')).toMatchObject({ requests: 201, failedCalls: { overloaded: 1 } });
      await engine.clock.wind(120_000);
      await Promise.all(calls);
      expect(engine.router.callsUnderWay).toBe(0);
    });

    it('hands a place that becomes free to who waited first', async () => {
      engine.put('v', open);
      engine.put('other');
      const calls = Array.from({ length: 200 }, () => engine.outcome('v'));
      const late = engine.outcome('other');
      await engine.clock.wind(400);
      expect(await late).toBe('cold');
      await engine.clock.wind(20_000);
      await Promise.all(calls);
    });

    it('counts 64 for each CPU where that is more', async () => {
      begin({ host: { cpus: 4, memoryBytes: 8 * 1024 ** 3 } });
      engine.put('v', open);
      const calls = Array.from({ length: 257 }, () => engine.outcome('v'));
      await settle();
      expect(engine.router.callsUnderWay).toBe(256);
      await engine.clock.wind(20_000);
      await Promise.all(calls);
    });

    it('does not count what functions call: their callers hold places meanwhile', async () => {
      engine.put('v', { pool: { queueDepth: 1_000 }, launch: { timeoutMs: 60_000 } });
      const calls = Array.from({ length: 250 }, () => engine.outcome('v', { source: 'fanout', depth: 1 }));
      expect(engine.router.callsUnderWay).toBe(0);
      await engine.clock.wind(3_000);
      expect(new Set(await Promise.all(calls))).toEqual(new Set(['cold', 'warm']));
    });

    it.each([
      ['who only says that functions called each other before', { source: 'http', depth: 3 }],
      ['the parts of a burst, each for itself', { source: 'burst', depth: 0 }],
    ] as const)('counts %s', async (_, call) => {
      engine.put('v', open);
      engine.backend.handlers.set('v', ({ sleep }) => sleep(20_000));
      const calls = Array.from({ length: 200 }, () => engine.outcome('v', call));
      expect(engine.router.callsUnderWay).toBe(200);
      const late = engine.outcome('v', call);
      await engine.clock.wind(250);
      expect(await late).toBe('overloaded');
      await engine.clock.wind(120_000);
      await Promise.all(calls);
    });

    it('forgets who gives up waiting', async () => {
      engine.put('v', open);
      const calls = Array.from({ length: 200 }, () => engine.outcome('v'));
      const controller = new AbortController();
      const late = engine.outcome('v', { signal: controller.signal });
      controller.abort(new Error('gone'));
      expect(await late).toBe('gone');
      await engine.clock.wind(20_000);
      await Promise.all(calls);
      expect(engine.router.callsUnderWay).toBe(0);
    });
  });

  describe('waiting', () => {
    it('in order, to the depth, counted without those for whom an instance is starting', async () => {
      engine.put('v', { pool: { instancesMax: 1, queueDepth: 2 } });
      const calls = ['a', 'b', 'c'].map((payload) => engine.outcome('v', { payload }));
      expect(await engine.outcome('v', { payload: 'd' })).toBe('queue-full');
      await engine.clock.wind(400);
      expect(await Promise.all(calls)).toEqual(['cold', 'warm', 'warm']);
      expect(engine.backend.started[0]?.served).toEqual(['a', 'b', 'c']);
    });

    it('ends with the time-out of the function; running has all of it again from the moment it is sent', async () => {
      engine.put('v', { launch: { timeoutMs: 1_000 }, pool: { instancesMax: 1 } });
      engine.backend.handlers.set('v', ({ sleep }) => sleep(850));
      const calls = Array.from({ length: 3 }, () => engine.outcome('v'));
      await engine.clock.wind(3_000);
      // The second waited for 950 ms and then ran for 850 of its own 1,000.
      expect(await Promise.all(calls)).toEqual(['cold', 'warm', 'wait-timeout']);
    });

    it('says how long it was and how many there are', async () => {
      engine.put('v', { launch: { timeoutMs: 1_000 }, pool: { instancesMax: 1 } });
      engine.backend.handlers.set('v', ({ sleep }) => sleep(999));
      const calls = [engine.outcome('v'), engine.outcome('v')];
      const late = failure(engine.invoke('v'));
      await engine.clock.wind(4_000);
      expect(await late).toMatchObject({ message: 'no instance was free within 1000 ms; 1 of at most 1 are there' });
      await Promise.all(calls);
    });

    it('is given up when the caller goes, and the turn goes to the next', async () => {
      engine.put('v', { pool: { instancesMax: 1 } });
      const controller = new AbortController();
      const calls = [
        engine.outcome('v'),
        engine.outcome('v', { payload: 'gone', signal: controller.signal }),
        engine.outcome('v', { payload: 'stays' }),
      ];
      await engine.clock.wind(110);
      controller.abort(new Error('gone'));
      await engine.clock.wind(200);
      expect(await Promise.all(calls)).toEqual(['cold', 'gone', 'warm']);
      expect(engine.backend.started[0]?.served).toEqual(['', 'stays']);
    });

    it('gives a turn back that comes in the moment in which the caller goes', async () => {
      const version = engine.put('v', { pool: { instancesMax: 1 } });
      const pool = engine.pools.poolFor(version);
      const held = pool.leasing.wait({ nowMs: 0, order: 0, deadlineMs: 1_000, isChild: false, isRetry: false });
      await engine.clock.wind(100);
      const controller = new AbortController();
      const gone = engine.outcome('v', { payload: 'gone', signal: controller.signal });
      const stays = engine.outcome('v', { payload: 'stays' });
      // The turn is handed on here; its new holder has not been told yet when it goes.
      pool.leasing.release(await held, { nowMs: 100, hasRun: false, reason: undefined });
      controller.abort(new Error('gone'));
      await engine.clock.wind(100);
      expect([await gone, await stays]).toEqual(['gone', 'warm']);
      expect(engine.backend.started[0]?.served).toEqual(['stays']);
    });
  });

  describe('what ends badly', () => {
    it('a handler that throws is reported in its own words, and its instance serves on', async () => {
      engine.put('v');
      engine.backend.handlers.set('v', () => {
        throw new TypeError('x is not a function');
      });
      const call = failure(engine.invoke('v'));
      await engine.clock.wind(200);
      expect(await call).toMatchObject({
        code: 'handler-failed',
        message: 'x is not a function',
        thrown: { errorType: 'TypeError', message: 'x is not a function' },
        facts: { versionId: 'v', isCold: true, waitedMs: 100, memoryUsedMb: 40 },
      });
      expect(engine.states('v')).toEqual(['warm']);
      expect(engine.of('v')).toMatchObject({ coldCalls: 1, failedCalls: { 'handler-failed': 1 } });
    });

    it.each([
      ['timeout', 'timeout'],
      ['crashed', 'crashed'],
      ['out-of-memory', 'out-of-memory'],
    ] as const)('%s is not tried again, and the instance is replaced', async (kind, code) => {
      engine.put('v');
      engine.backend.handlers.set('v', ({ die, sleep }) => (kind === 'timeout' ? sleep(1e6) : die(kind)));
      const call = failure(engine.invoke('v'));
      await engine.clock.wind(3_200);
      expect(await call).toMatchObject({ code, facts: { isCold: true } });
      expect(engine.backend.launches).toBe(1);
      expect(engine.of('v')).toMatchObject({ coldCalls: 1, warmCalls: 0, stopped: 1 });
      engine.backend.handlers.clear();
      const next = engine.outcome('v');
      await engine.clock.wind(200);
      expect(await next).toBe('cold');
    });

    it('starts another instance for who waits when one dies', async () => {
      engine.put('v', { pool: { instancesMax: 1 } });
      engine.backend.handlers.set('v', async ({ payload, die, sleep }) => {
        await sleep(30);
        return Buffer.from(payload).toString() === 'bad' ? die() : payload;
      });
      const calls = [engine.outcome('v', { payload: 'bad' }), engine.outcome('v', { payload: 'good' })];
      await engine.clock.wind(1_000);
      expect(await Promise.all(calls)).toEqual(['crashed', 'cold']);
    });

    it('a back end that rejects is taken for a crash: the handler may have run', async () => {
      engine.put('v');
      const first = engine.outcome('v');
      await engine.clock.wind(200);
      await first;
      const [instance] = engine.backend.started;
      if (instance) instance.call = () => Promise.reject(new Error('EPIPE'));
      expect(await failure(engine.invoke('v'))).toMatchObject({ code: 'crashed' });
      expect(engine.backend.launches).toBe(1);
    });

    it('a call that the back end never ends is ended by the pool, some time after its time-out', async () => {
      engine.put('v');
      engine.backend.handlers.set('v', () => new Promise(() => {}));
      const call = engine.outcome('v');
      await engine.clock.wind(110);
      const [instance] = engine.backend.started;
      expect(instance).toBeDefined();
      expect(engine.states('v')).toEqual(['busy']);
      await engine.clock.wind(20_000);
      expect(await call).toBe('timeout');
    });
  });

  describe('an instance that was not reached', () => {
    it('two dead ones, then a live one: served by the third', async () => {
      engine.put('v');
      engine.backend.faults.push('dead', 'dead');
      const call = engine.invoke('v');
      await engine.clock.wind(1_000);
      expect((await call).isCold).toBe(true);
      expect(engine.backend.launches).toBe(3);
      expect(engine.of('v')).toMatchObject({
        coldCalls: 1,
        warmCalls: 0,
        spawned: { lazy: 1, retry: 2 },
        stoppedBy: { unreachable: 2 },
      });
    });

    it('one that is deaf is found within 1.5 s: served in less than the 5 s of the function', async () => {
      engine.put('v', { launch: { timeoutMs: 5_000 } });
      engine.backend.faults.push('deaf');
      const call = engine.invoke('v');
      await engine.clock.wind(1_760);
      expect((await call).waitedMs).toBe(1_700);
      expect(engine.backend.launches).toBe(2);
    });

    it('is given up after five attempts', async () => {
      engine.put('v');
      engine.backend.faults.push(...Array(9).fill('dead'));
      const call = failure(engine.invoke('v'));
      await engine.clock.wind(2_000);
      expect(await call).toMatchObject({ code: 'unreachable' });
      expect(engine.backend.launches).toBe(5);
      expect(engine.of('v')).toMatchObject({ coldCalls: 0, warmCalls: 0 });
    });

    it('one that dies while it is free is not handed out at all', async () => {
      engine.put('v');
      const first = engine.outcome('v');
      await engine.clock.wind(200);
      await first;
      engine.backend.started[0]?.exit(1, null);
      await settle();
      expect(engine.of('v')).toMatchObject({ instances: [], stoppedBy: { crashed: 1 } });
      const second = engine.outcome('v');
      await engine.clock.wind(200);
      expect(await second).toBe('cold');
    });

    it('its caller keeps the place that it had', async () => {
      engine.put('v', { pool: { instancesMax: 1 } });
      engine.backend.faults.push('deaf');
      const calls = ['first', 'second'].map((payload) => engine.invoke('v', { payload }));
      await engine.clock.wind(2_500);
      await Promise.all(calls);
      expect(engine.backend.started[1]?.served).toEqual(['first', 'second']);
    });
  });

  describe('a caller that goes while its call runs', () => {
    it('ends the instance, because no one waits for its result', async () => {
      engine.put('v');
      const controller = new AbortController();
      const call = engine.outcome('v', { signal: controller.signal });
      await engine.clock.wind(130);
      controller.abort(new Error('gone'));
      await engine.clock.wind(10);
      expect(await call).toBe('gone');
      expect(engine.of('v')).toMatchObject({ instances: [], coldCalls: 1, stopped: 1 });
    });
  });

  it('a streaming call holds its instance until its end', async () => {
    engine.put('v', { pool: { instancesMax: 1 } });
    engine.backend.handlers.set('v', async ({ emit, sleep }) => {
      for (const word of ['one', 'two']) {
        emit(Buffer.from(word));
        await sleep(100);
      }
      return new Uint8Array();
    });
    const chunks: string[] = [];
    const call = engine.invoke('v', { onChunk: (chunk) => void chunks.push(Buffer.from(chunk).toString()) });
    const next = engine.outcome('v');
    await engine.clock.wind(250);
    expect(chunks).toEqual(['one', 'two']);
    expect(engine.of('v')).toMatchObject({ running: 1, waiting: 1 });
    await engine.clock.wind(300);
    await call;
    expect(await next).toBe('warm');
  });

  describe('functions that call functions', () => {
    const callOf = (depth: number) => ({ depth: depth + 1, source: 'fanout' }) as const;

    it('cap 1, fan-out of fan-out: ends with an error inside the time-out, and never hangs', async () => {
      engine.put('fanout', { pool: { instancesMax: 1 } });
      engine.backend.handlers.set('fanout', () => engine.invoke('fanout', callOf(0)));
      const call = failure(engine.invoke('fanout'));
      await engine.clock.wind(100 + 1_600);
      // The child gave up after half of its time-out, and told the parent, which still had time to say so.
      expect(await call).toMatchObject({ code: 'handler-failed', message: expect.stringContaining('no instance') });
      expect(engine.states('fanout')).toEqual(['warm']);
    });

    it('stops a chain without end at depth 8', async () => {
      engine.put('v', { pool: { instancesMax: 16 } });
      let depth = 0;
      engine.backend.handlers.set('v', () => {
        depth += 1;
        return engine.invoke('v', { depth, source: 'fanout' });
      });
      const call = failure(engine.invoke('v'));
      await engine.clock.wind(2_000);
      expect(await call).toMatchObject({ message: expect.stringContaining('too deep') });
      expect(engine.backend.launches).toBe(8);
    });

    it('keeps memory for one child when parents hold all of the rest', async () => {
      const mib = 1024 ** 2;
      begin({ host: { cpus: 2, memoryBytes: 500 * mib }, keptForChildrenBytes: 192 * mib });
      engine.put('parent');
      engine.put('child');
      engine.backend.handlers.set('parent', async ({ sleep }) => {
        await sleep(50);
        return engine.invoke('child', callOf(0));
      });
      const call = engine.outcome('parent');
      await engine.clock.wind(110);
      // A call of the outside world may not have it.
      engine.put('stranger');
      expect(await engine.outcome('stranger')).toBe('memory-exhausted');
      await engine.clock.wind(300);
      expect(await call).toBe('cold');
    });
  });

  it('cold and warm calls add up to the calls that ran, whatever became of them', async () => {
    engine.put('v', { pool: { instancesMax: 3 } });
    engine.backend.handlers.set('v', async ({ payload, sleep, die }) => {
      await sleep(20);
      const word = Buffer.from(payload).toString();
      if (word === 'throw') throw new Error('no');
      return word === 'die' ? die() : payload;
    });
    const words = Array.from({ length: 60 }, (_, index) => ['good', 'good', 'throw', 'good', 'die'][index % 5]!);
    const calls = words.map((payload) => engine.outcome('v', { payload }));
    await engine.clock.wind(10_000);
    await Promise.all(calls);
    const { coldCalls, warmCalls, requests, latencyCounts } = engine.of('v');
    expect(coldCalls + warmCalls).toBe(60);
    expect(requests).toBe(60);
    expect(latencyCounts.reduce((sum, count) => sum + count, 0)).toBe(60);
  });

  it('takes the id that a dialect gives a call, and makes one otherwise', async () => {
    engine.put('v');
    const calls = [engine.invoke('v', { requestId: 'req-1' }), engine.invoke('v')];
    await engine.clock.wind(200);
    const [given, made] = await Promise.all(calls);
    expect(given?.requestId).toBe('req-1');
    expect(made?.requestId).toMatch(/^[0-9a-f-]{36}$/);
    expect(given?.logs).toEqual(['began req-1']);
  });
});

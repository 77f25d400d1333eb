import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/adapters/system/clock.ts';
import type { Invocation } from '../../../src/platform/model/invocation.ts';
import type { InstanceBackend } from '../../../src/platform/runtime/instance-backend.ts';
import type { VersionSeed } from '../../support/platform/a-version.ts';
import type { Engine } from '../../support/platform/an-engine.ts';

/** The event says what the function of this suite does. `broken` is no program. */
export interface Order {
  readonly do: 'echo' | 'count' | 'sleep' | 'throw' | 'exit' | 'hang';
  readonly ms?: number;
  readonly word?: string;
}

export interface EngineHarness {
  readonly engine: Engine<InstanceBackend>;
  put(versionId: string, seed?: VersionSeed, code?: 'obeys' | 'broken'): void;
  /** From outside, as the kernel or an operator would. */
  kill(pid: number): void;
  /** It lives, and does not react any more. */
  freeze(pid: number): void;
  /** Processes that were not reaped. */
  live(): number;
  close(): Promise<void>;
}

/** What pools and router do with any back end, in real time: the doubled one is honest when it passes as the real one does. */
export function engineBehaviour(name: string, makeHarness: () => Promise<EngineHarness>): void {
  describe(`pools and router over ${name}`, () => {
    let harness: EngineHarness;
    beforeEach(async () => {
      harness = await makeHarness();
    });
    afterEach(async () => {
      harness.engine.expectSound();
      await harness.engine.pools.stop({ graceMs: 0 });
      harness.engine.expectSound();
      expect(harness.live()).toBe(0);
      expect(harness.engine.pools.memory().reservedBytes).toBe(0);
      await harness.close();
    });

    const order = (versionId: string, told: Order, signal?: AbortSignal) =>
      harness.engine.invoke(versionId, { payload: JSON.stringify(told), signal });
    const outcome = (versionId: string, told: Order, signal?: AbortSignal) =>
      harness.engine.outcome(versionId, { payload: JSON.stringify(told), signal });
    const answerOf = ({ body }: Invocation): unknown => JSON.parse(Buffer.from(body).toString());
    const until = async (isTrue: () => boolean) => {
      const endMs = systemClock.monotonicMs() + 10_000;
      while (!isTrue()) {
        if (systemClock.monotonicMs() > endMs) throw new Error('it never came true');
        await new Promise<void>((resolve) => void systemClock.after(5, resolve));
      }
    };

    it('serves calls on one instance, one after the other, which keeps what it has loaded', async () => {
      harness.put('v');
      const calls = [await order('v', { do: 'count' }), await order('v', { do: 'count' })];
      expect(calls.map(answerOf)).toEqual([1, 2]);
      expect(calls.map(({ isCold }) => isCold)).toEqual([true, false]);
      expect(new Set(calls.map(({ instanceId }) => instanceId)).size).toBe(1);
      expect(harness.live()).toBe(1);
    });

    it('at the cap callers take turns in the order in which they came', async () => {
      harness.put('v', { pool: { instancesMax: 1 } });
      const calls = await Promise.all(Array.from({ length: 6 }, () => order('v', { do: 'count' })));
      expect(calls.map(answerOf)).toEqual([1, 2, 3, 4, 5, 6]);
    });

    it('below it they run side by side', async () => {
      harness.put('v', { pool: { instancesMax: 3 } });
      const calls = await Promise.all(Array.from({ length: 3 }, () => order('v', { do: 'sleep', ms: 300 })));
      expect(new Set(calls.map(({ instanceId }) => instanceId)).size).toBe(3);
    });

    it('a handler that throws leaves its instance serving', async () => {
      harness.put('v');
      await order('v', { do: 'count' });
      await expect(order('v', { do: 'throw' })).rejects.toMatchObject({
        code: 'handler-failed',
        thrown: { errorType: 'TypeError', message: 'as ordered' },
      });
      expect(answerOf(await order('v', { do: 'count' }))).toBe(2);
    });

    it('one that exits is replaced', async () => {
      harness.put('v');
      await expect(order('v', { do: 'exit' })).rejects.toMatchObject({ code: 'crashed', facts: { isCold: true } });
      const next = await order('v', { do: 'count' });
      expect([answerOf(next), next.isCold]).toEqual([1, true]);
    });

    it('one that does not end is ended, and replaced', async () => {
      harness.put('v', { launch: { timeoutMs: 1_500 } });
      expect(await outcome('v', { do: 'hang' })).toBe('timeout');
      await until(() => harness.live() === 0);
      expect(harness.engine.pools.memory().reservedBytes).toBe(0);
    });

    it('code that does not start is reported, and leaves nothing', async () => {
      harness.put('v', {}, 'broken');
      expect(await outcome('v', { do: 'echo' })).toBe('init-failed');
      expect(harness.engine.pools.memory().reservedBytes).toBe(0);
    });

    it('one that was killed while it was free is not handed out', async () => {
      harness.put('v');
      await order('v', { do: 'echo' });
      const [instance] = harness.engine.of('v').instances;
      harness.kill(instance?.pid ?? 0);
      // At once, or after its death was noticed: the call is served either way.
      expect(await outcome('v', { do: 'echo' })).toBe('cold');
    });

    it('one that is frozen is found in time, and the call is served by another', async () => {
      harness.put('v', { launch: { timeoutMs: 20_000 } });
      await order('v', { do: 'echo' });
      const [instance] = harness.engine.of('v').instances;
      harness.freeze(instance?.pid ?? 0);
      const call = await order('v', { do: 'echo', word: 'still' });
      expect(answerOf(call)).toMatchObject({ word: 'still' });
      expect(call.instanceId).not.toBe(instance?.instanceId);
      // 1.5 s until it is found, and a start on a machine that may be slow.
      expect(call.waitedMs).toBeGreaterThan(1_000);
      expect(call.waitedMs).toBeLessThan(8_000);
      expect(harness.engine.of('v').stoppedBy).toEqual({ unreachable: 1 });
    });

    it('a caller that goes ends the instance that worked for it', async () => {
      harness.put('v', { launch: { timeoutMs: 20_000 } });
      const controller = new AbortController();
      const call = outcome('v', { do: 'sleep', ms: 15_000 }, controller.signal);
      await until(() => harness.engine.pools.of('v')?.running === 1);
      controller.abort(new Error('gone'));
      expect(await call).toBe('gone');
      await until(() => harness.live() === 0);
    });

    it('where instances are not reused, each call has its own, and none is left', async () => {
      harness.put('v', { pool: { reuse: 'never' } });
      const calls = await Promise.all(Array.from({ length: 3 }, () => order('v', { do: 'count' })));
      expect(calls.map(answerOf)).toEqual([1, 1, 1]);
      await until(() => harness.live() === 0);
      expect(harness.engine.of('v').instances).toEqual([]);
    });

    it('retiring lets a call end', async () => {
      harness.put('v');
      await order('v', { do: 'echo' });
      const call = order('v', { do: 'sleep', ms: 300, word: 'done' });
      harness.engine.pools.retire('v');
      expect(answerOf(await call)).toMatchObject({ word: 'done' });
      await until(() => harness.live() === 0);
    });

    it('warms by hand, and the calls after it are warm', async () => {
      harness.put('v');
      expect(await harness.engine.pools.warm('v', { count: 2, source: 'manual' })).toBe(2);
      const calls = [outcome('v', { do: 'sleep', ms: 100 }), outcome('v', { do: 'sleep', ms: 100 })];
      expect(await Promise.all(calls)).toEqual(['warm', 'warm']);
      expect(harness.live()).toBe(2);
    });

    it('stopping lets calls end and leaves no process', async () => {
      harness.put('v');
      await order('v', { do: 'echo' });
      const call = outcome('v', { do: 'sleep', ms: 200 });
      harness.engine.router.stop();
      await harness.engine.pools.stop({ graceMs: 5_000 });
      expect(await call).toBe('warm');
      expect(harness.live()).toBe(0);
    });
  });
}

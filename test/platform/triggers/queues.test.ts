import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import type { InvocationRequest } from '../../../src/platform/model/invocation.ts';
import { PlatformError } from '../../../src/platform/model/platform-error.ts';
import { settle } from '../../support/hand-wound-clock.ts';
import { SomeTriggers, settingsOf } from './some-triggers.ts';

let folder: string | undefined;
afterEach(() => {
  if (folder) rmSync(folder, { recursive: true });
  folder = undefined;
});

function onDisk(): SomeTriggers {
  folder = mkdtempSync(join(tmpdir(), 'starling-queues-'));
  return new SomeTriggers({ path: join(folder, 'platform.sqlite') });
}

function aQueue(some: SomeTriggers, told: Record<string, unknown> = {}) {
  const { functionId } = some.aFunction(`f${some.registry.functions().length}`);
  return some.triggers.add({ functionId, settings: settingsOf({ kind: 'queue', queue: 'work', ...told }) });
}

const publish = (some: SomeTriggers, message: unknown) =>
  some.triggers.publish('work', Buffer.from(JSON.stringify(message)));

const failing = () => Promise.reject(new PlatformError('handler-failed', 'no luck'));
const never = () => new Promise<void>(() => {});
/** As the router does it: a call that is given up ends. */
const untilCutOff = (signal: AbortSignal | undefined) =>
  new Promise<void>((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)));

describe('a queue', () => {
  it('gives each message to the function, as its event', async () => {
    const some = new SomeTriggers();
    const { triggerId } = aQueue(some);
    some.triggers.start();
    publish(some, { job: 1 });
    some.triggers.publish('work', Buffer.alloc(0));
    await settle();
    expect(some.events).toEqual([{ job: 1 }, {}]);
    expect(some.calls[0]?.request.source).toBe('queue');
    expect(some.triggers.depthOf(triggerId)).toEqual({ waiting: 0, leased: 0, dead: 0 });
    expect(some.registry.messages.counts().size).toBe(0);
  });

  it('gives each message to every trigger of it', async () => {
    const some = new SomeTriggers();
    aQueue(some);
    aQueue(some);
    some.triggers.start();
    const { messageId } = publish(some, { job: 1 });
    await settle();
    expect(messageId).toMatch(/^id-/);
    expect(new Set(some.calls.map(({ request }) => request.versionId)).size).toBe(2);
  });

  it('has no more calls under way than it may', async () => {
    const some = new SomeTriggers();
    const { triggerId } = aQueue(some, { concurrency: 3 });
    const ends: (() => void)[] = [];
    some.answer = () => new Promise((resolve) => ends.push(resolve));
    some.triggers.start();
    for (let job = 0; job < 5; job += 1) publish(some, { job });
    await settle();
    expect(some.calls.length).toBe(3);
    expect(some.triggers.depthOf(triggerId)).toEqual({ waiting: 2, leased: 3, dead: 0 });
    ends[0]?.();
    await settle();
    expect(some.calls.length).toBe(4);
  });

  it('gives several messages in one event where it may', async () => {
    const some = new SomeTriggers();
    aQueue(some, { batchMax: 2 });
    const ids = [1, 2, 3].map((job) => publish(some, { job }).messageId);
    some.triggers.start();
    await settle();
    expect(some.events).toEqual([
      {
        queue: 'work',
        messages: [
          { messageId: ids[0], attempt: 1, enqueuedAt: '2025-06-01T00:00:00.000Z', body: { job: 1 } },
          { messageId: ids[1], attempt: 1, enqueuedAt: '2025-06-01T00:00:00.000Z', body: { job: 2 } },
        ],
      },
      { queue: 'work', messages: [expect.objectContaining({ body: { job: 3 } })] },
    ]);
  });

  it('tries a batch that failed one by one, so that one bad message takes none along twice', async () => {
    const some = new SomeTriggers();
    const { triggerId } = aQueue(some, { batchMax: 3, attemptsMax: 2 });
    some.answer = ({ payload }) => (Buffer.from(payload).includes('"bad"') ? failing() : Promise.resolve());
    for (const job of ['good', 'bad', 'fine']) publish(some, job);
    some.triggers.start();
    await some.clock.wind(10_000);
    const sizes = some.events.map((event) => (event as { messages: unknown[] }).messages.length);
    expect(sizes).toEqual([3, 1, 1, 1]);
    expect(some.triggers.depthOf(triggerId)).toEqual({ waiting: 0, leased: 0, dead: 1 });
  });

  it('tries again later and later, up to the most, and then puts the message with the dead', async () => {
    const some = new SomeTriggers();
    const { triggerId } = aQueue(some, { attemptsMax: 5, backoffMs: 1_000, backoffMaxMs: 4_000 });
    some.answer = failing;
    some.chance = 1;
    some.triggers.start();
    const { messageId } = publish(some, { job: 1 });
    await some.clock.wind(60_000);
    expect(some.calls.map(({ atMs }) => atMs)).toEqual([0, 1_000, 3_000, 7_000, 11_000]);
    expect(some.triggers.depthOf(triggerId)).toEqual({ waiting: 0, leased: 0, dead: 1 });
    expect(some.triggers.deadOf(triggerId, 10)).toEqual([
      expect.objectContaining({
        messageId,
        attempts: 5,
        lastError: 'no luck',
        payload: new Uint8Array(Buffer.from('{"job":1}')),
      }),
    ]);
    expect(some.triggers.countsOf(triggerId)).toMatchObject({ fires: 5, failures: new Map([['handler-failed', 5]]) });
    expect(some.clock.pendingTimers).toBe(0);
  });

  it('waits at least half of the time, by chance', async () => {
    const some = new SomeTriggers();
    aQueue(some, { attemptsMax: 2, backoffMs: 1_000 });
    some.answer = failing;
    some.chance = 0;
    some.triggers.start();
    publish(some, {});
    await some.clock.wind(10_000);
    expect(some.calls.map(({ atMs }) => atMs)).toEqual([0, 500]);
  });

  it('delivers the dead again on request, or throws them away', async () => {
    const some = new SomeTriggers();
    const { triggerId } = aQueue(some, { attemptsMax: 1 });
    some.answer = failing;
    some.triggers.start();
    publish(some, { job: 1 });
    publish(some, { job: 2 });
    await settle();
    expect(some.triggers.depthOf(triggerId).dead).toBe(2);
    some.answer = async () => {};
    expect(some.triggers.revive(triggerId)).toBe(2);
    await settle();
    expect(some.triggers.depthOf(triggerId)).toEqual({ waiting: 0, leased: 0, dead: 0 });
    expect(some.events.slice(2)).toEqual([{ job: 1 }, { job: 2 }]);
    some.answer = failing;
    publish(some, { job: 3 });
    await settle();
    expect(some.triggers.clear(triggerId, 'dead')).toBe(1);
    expect(some.triggers.depthOf(triggerId).dead).toBe(0);
  });

  it('keeps the newest thousand of the dead', async () => {
    const some = new SomeTriggers();
    const { triggerId } = aQueue(some, { attemptsMax: 1 });
    for (let job = 0; job < 1_005; job += 1) publish(some, { job });
    some.answer = failing;
    some.triggers.start();
    for (let round = 0; round < 100; round += 1) await settle();
    expect(some.triggers.depthOf(triggerId)).toEqual({ waiting: 0, leased: 0, dead: 1_000 });
    expect(some.triggers.deadOf(triggerId, 5_000).length).toBe(1_000);
  });

  it('cuts off a delivery that outlasts its lease, and counts it as failed', async () => {
    const some = new SomeTriggers();
    const { triggerId } = aQueue(some, { leaseMs: 5_000, attemptsMax: 1 });
    some.answer = ({ signal }: InvocationRequest) =>
      new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)));
    some.triggers.start();
    publish(some, {});
    await some.clock.wind(4_999);
    expect(some.triggers.depthOf(triggerId).leased).toBe(1);
    await some.clock.wind(1);
    expect(some.triggers.depthOf(triggerId)).toEqual({ waiting: 0, leased: 0, dead: 1 });
    expect(some.triggers.deadOf(triggerId, 1)[0]?.lastError).toBe('the delivery took longer than its lease');
  });

  it('leases for as long as the function may wait and run, where no lease is set', async () => {
    const some = new SomeTriggers();
    const { triggerId } = aQueue(some, { attemptsMax: 1 });
    some.answer = ({ signal }) =>
      new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)));
    some.triggers.start();
    publish(some, {});
    await some.clock.wind(2 * 3_000 + 4_999);
    expect(some.triggers.depthOf(triggerId).leased).toBe(1);
    await some.clock.wind(1);
    expect(some.triggers.depthOf(triggerId).dead).toBe(1);
  });

  it.each(['overloaded', 'queue-full', 'wait-timeout', 'memory-exhausted', 'not-active'] as const)(
    'holds %s against no message: all pause, and one goes ahead',
    async (code) => {
      const some = new SomeTriggers();
      const { triggerId } = aQueue(some, { attemptsMax: 2 });
      some.chance = 1;
      some.answer = () => Promise.reject(new PlatformError(code, 'not now'));
      some.triggers.start();
      publish(some, { job: 1 });
      await settle();
      publish(some, { job: 2 });
      await some.clock.wind(30_000);
      expect(some.calls.map(({ atMs }) => atMs)).toEqual([0, 1_000, 3_000, 7_000, 15_000]);
      expect(some.triggers.depthOf(triggerId)).toEqual({ waiting: 2, leased: 0, dead: 0 });
      some.answer = async () => {};
      await some.clock.wind(2_000);
      expect(some.triggers.depthOf(triggerId)).toEqual({ waiting: 0, leased: 0, dead: 0 });
    },
  );

  it('refuses what is more than it may hold, and then no trigger gets it', async () => {
    const some = new SomeTriggers();
    const small = aQueue(some, { depthMax: 2 });
    const large = aQueue(some);
    publish(some, 1);
    publish(some, 2);
    expect(() => publish(some, 3)).toThrow(expect.objectContaining({ code: 'queue-full' }));
    expect(some.triggers.depthOf(small.triggerId).waiting).toBe(2);
    expect(some.triggers.depthOf(large.triggerId).waiting).toBe(2);
    expect(some.triggers.clear(small.triggerId, 'waiting')).toBe(2);
    expect(() => publish(some, 3)).not.toThrow();
  });

  it('refuses what is no JSON, what is too large, and queues that no trigger takes from', () => {
    const some = new SomeTriggers();
    aQueue(some);
    const codeOf = (queue: string, payload: Uint8Array) => {
      try {
        some.triggers.publish(queue, payload);
      } catch (error) {
        return error instanceof PlatformError ? error.code : error;
      }
      return undefined;
    };
    expect(codeOf('work', Buffer.from('{'))).toBe('input-invalid');
    expect(codeOf('work', Buffer.from([0x22, 0xff, 0x22]))).toBe('input-invalid');
    expect(codeOf('work', Buffer.from(`"${'x'.repeat(262_143)}"`))).toBe('payload-too-large');
    expect(codeOf('other', Buffer.from('{}'))).toBe('queue-unknown');
  });

  it('keeps what it is given while it is disabled', async () => {
    const some = new SomeTriggers();
    const { triggerId } = aQueue(some);
    some.triggers.start();
    some.triggers.setEnabled(triggerId, false);
    publish(some, { job: 1 });
    await some.clock.wind(60_000);
    expect(some.calls).toEqual([]);
    expect(some.triggers.oldestMs(triggerId)).toBe(Date.parse('2025-06-01T00:00:00Z'));
    some.triggers.setEnabled(triggerId, true);
    await settle();
    expect(some.events).toEqual([{ job: 1 }]);
  });

  it('goes with its function, and its messages with it', async () => {
    const some = new SomeTriggers();
    const { functionId } = aQueue(some);
    publish(some, { job: 1 });
    some.registry.removeFunction(functionId);
    expect(some.registry.messages.counts().size).toBe(0);
    expect(() => publish(some, { job: 2 })).toThrow(expect.objectContaining({ code: 'queue-unknown' }));
  });

  it('may lose its function while a message is on its way', async () => {
    const some = new SomeTriggers();
    const { functionId } = aQueue(some);
    let end: ((error: Error) => void) | undefined;
    some.answer = () => new Promise((_, reject) => (end = reject));
    some.triggers.start();
    publish(some, { job: 1 });
    await settle();
    some.registry.removeFunction(functionId);
    end?.(new PlatformError('version-unknown', 'gone'));
    await some.clock.wind(60_000);
    expect(some.calls.length).toBe(1);
    expect(some.clock.pendingTimers).toBe(0);
  });

  it('goes on when the disk takes something again', async () => {
    const some = new SomeTriggers();
    aQueue(some);
    const { messages } = some.registry;
    const { lease, remove } = messages;
    messages.lease = () => {
      throw new Error('disk full');
    };
    some.triggers.start();
    publish(some, { job: 1 });
    await some.clock.wind(6_000);
    expect(some.calls).toEqual([]);
    messages.lease = lease;
    // What was delivered and cannot be taken away stays on its way, and is delivered again after a restart.
    messages.remove = () => {
      throw new Error('disk full');
    };
    await some.clock.wind(6_000);
    expect(some.events).toEqual([{ job: 1 }]);
    messages.remove = remove;
    publish(some, { job: 2 });
    await settle();
    expect(some.events).toEqual([{ job: 1 }, { job: 2 }]);
  });

  describe('after a restart', () => {
    it('still has what waited, in its order, with what is known of it', async () => {
      const some = onDisk();
      const { triggerId } = aQueue(some, { backoffMs: 10_000 });
      some.answer = failing;
      some.triggers.start();
      publish(some, { job: 1 });
      await settle();
      await some.triggers.stop();
      publish(some, { job: 2 });
      some.answer = async () => {};
      some.calls.length = 0;
      some.restart();
      await settle();
      expect(some.events).toEqual([{ job: 2 }]);
      await some.clock.wind(10_000);
      expect(some.events).toEqual([{ job: 2 }, { job: 1 }]);
      expect(some.triggers.depthOf(triggerId)).toEqual({ waiting: 0, leased: 0, dead: 0 });
      some.registry.close();
    });

    it('delivers again what was on its way, and counts that', async () => {
      const some = onDisk();
      const { triggerId } = aQueue(some, { attemptsMax: 2 });
      some.answer = never;
      some.triggers.start();
      publish(some, { job: 1 });
      await settle();
      some.restart();
      await settle();
      expect(some.events).toEqual([{ job: 1 }, { job: 1 }]);
      some.answer = failing;
      some.restart();
      await settle();
      // The third delivery was its last.
      expect(some.triggers.depthOf(triggerId)).toEqual({ waiting: 0, leased: 0, dead: 1 });
      some.registry.close();
    });
  });

  it('delivers every message at least once, whatever fails and however often it restarts', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof(fc.constant('publish'), fc.constant('restart'), fc.constant('wind')), { maxLength: 25 }),
        fc.array(fc.constantFrom('done', 'failed', 'refused', 'never'), { minLength: 1, maxLength: 12 }),
        async (steps, ends) => {
          const some = onDisk();
          const { triggerId } = aQueue(some, { attemptsMax: 100, concurrency: 2, depthMax: 1_000 });
          let call = 0;
          some.answer = ({ signal }) => {
            const end = ends[call++];
            if (end === 'failed') return failing();
            if (end === 'refused') return Promise.reject(new PlatformError('overloaded', 'not now'));
            return end === 'never' ? untilCutOff(signal) : Promise.resolve();
          };
          some.triggers.start();
          let published = 0;
          for (const step of steps) {
            if (step === 'publish') publish(some, { job: published++ });
            else if (step === 'restart') some.restart();
            else await some.clock.wind(700);
          }
          some.restart();
          await some.clock.wind(3_600_000);
          some.restart();
          await some.clock.wind(3_600_000);
          const seen = new Set(some.events.map((event) => (event as { job: number }).job));
          expect(seen.size).toBe(published);
          expect(some.triggers.depthOf(triggerId).dead).toBe(0);
          some.registry.close();
          rmSync(folder!, { recursive: true });
          folder = undefined;
        },
      ),
      { numRuns: 25 },
    );
  });
});

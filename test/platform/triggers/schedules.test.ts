import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { PlatformError } from '../../../src/platform/model/platform-error.ts';
import { SomeTriggers, settingsOf } from './some-triggers.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

let folder: string | undefined;
afterEach(() => {
  if (folder) rmSync(folder, { recursive: true });
  folder = undefined;
});

function onDisk(): SomeTriggers {
  folder = mkdtempSync(join(tmpdir(), 'starling-schedules-'));
  return new SomeTriggers({ path: join(folder, 'platform.sqlite') });
}

function aSchedule(some: SomeTriggers, told: Record<string, unknown> = {}) {
  const { functionId } = some.aFunction(`f${some.registry.functions().length}`);
  return some.triggers.add({ functionId, settings: settingsOf({ kind: 'schedule', cron: '0 * * * *', ...told }) });
}

const minutesOf = (some: SomeTriggers) => some.calls.map(({ atMs }) => Math.round((atMs / MINUTE_MS) * 100) / 100);

describe('a schedule', () => {
  it('calls its function at its times, and passes the time on', async () => {
    const some = new SomeTriggers();
    const { triggerId } = aSchedule(some, { cron: '*/20 * * * *', timeZone: 'Europe/Berlin' });
    some.triggers.start();
    await some.clock.wind(HOUR_MS + 1_000);
    expect(minutesOf(some)).toEqual([20, 40, 60]);
    expect(some.events[0]).toEqual({
      source: 'schedule',
      triggerId,
      cron: '*/20 * * * *',
      timeZone: 'Europe/Berlin',
      scheduledAt: '2025-06-01T00:20:00.000Z',
    });
    expect(some.calls[0]?.request).toMatchObject({ source: 'schedule', depth: 0 });
    expect(some.triggers.countsOf(triggerId).fires).toBe(3);
    expect(some.triggers.nextFireMs(triggerId)).toBe(Date.parse('2025-06-01T01:20:00Z'));
  });

  it('has an instance made ready two seconds ahead, once for each time', async () => {
    const some = new SomeTriggers();
    const { functionId, versionId } = some.aFunction('f');
    some.triggers.add({ functionId, settings: settingsOf({ kind: 'schedule', cron: '*/20 * * * *' }) });
    some.triggers.start();
    await some.clock.wind(HOUR_MS - 5_000);
    expect(some.warmed).toEqual([20, 40].map((minute) => ({ atMs: minute * MINUTE_MS - 2_000, versionId })));
    expect(minutesOf(some)).toEqual([20, 40]);
    await some.clock.wind(4_000);
    expect(some.warmed.length).toBe(3);
    await some.triggers.stop();
    await some.clock.wind(HOUR_MS);
    expect(some.warmed.length).toBe(3);
  });

  it('gives its own event where it has one', async () => {
    const some = new SomeTriggers();
    aSchedule(some, { payload: { report: 'daily' } });
    some.triggers.start();
    await some.clock.wind(HOUR_MS + 1_000);
    expect(some.events).toEqual([{ report: 'daily' }]);
  });

  it('does not fire before the platform has started, nor after it stops, nor when it is disabled or removed', async () => {
    const some = new SomeTriggers();
    const kept = aSchedule(some);
    const removed = aSchedule(some);
    await some.clock.wind(10 * MINUTE_MS);
    some.triggers.start();
    some.triggers.remove(removed.triggerId);
    some.triggers.setEnabled(kept.triggerId, false);
    await some.clock.wind(2 * HOUR_MS);
    expect(some.calls).toEqual([]);
    some.triggers.setEnabled(kept.triggerId, true);
    await some.clock.wind(HOUR_MS);
    expect(some.calls.length).toBe(1);
    await some.triggers.stop();
    await some.clock.wind(2 * HOUR_MS);
    expect(some.calls.length).toBe(1);
    expect(some.clock.pendingTimers).toBe(0);
  });

  it('is one of a hundred triggers of its function at most, and adds all that it is added with or none', () => {
    const some = new SomeTriggers();
    const { functionId } = some.aFunction('f');
    const requests = Array.from({ length: 101 }, () => ({
      functionId,
      settings: settingsOf({ kind: 'schedule', cron: '@daily' }),
    }));
    expect(() => some.triggers.addAll(requests)).toThrow('100 triggers');
    expect(some.triggers.list()).toEqual([]);
    expect(some.registry.triggers.all()).toEqual([]);
    some.triggers.addAll(requests.slice(1));
    expect(() => some.triggers.add(requests[0]!)).toThrow('100 triggers');
  });

  it('goes with its function', async () => {
    const some = new SomeTriggers();
    const { functionId, triggerId } = aSchedule(some);
    some.triggers.start();
    some.registry.removeFunction(functionId);
    await some.clock.wind(2 * HOUR_MS);
    expect(some.calls).toEqual([]);
    expect(some.triggers.get(triggerId)).toBeUndefined();
    expect(some.registry.triggers.all()).toEqual([]);
  });

  it('leaves a fire out while the one before runs, or runs both, as it is set to', async () => {
    const some = new SomeTriggers();
    const skips = aSchedule(some);
    const allows = aSchedule(some, { overlap: 'allow' });
    some.answer = () => new Promise(() => {});
    some.triggers.start();
    await some.clock.wind(3 * HOUR_MS + 1_000);
    expect(some.triggers.countsOf(skips.triggerId)).toMatchObject({ fires: 1, skips: { overlap: 2 } });
    expect(some.triggers.countsOf(allows.triggerId)).toMatchObject({ fires: 3, skips: { overlap: 0 } });
  });

  it('goes on after a call that failed, and counts it by what it was', async () => {
    const some = new SomeTriggers();
    const { triggerId } = aSchedule(some);
    some.answer = () => Promise.reject(new PlatformError('timeout', 'too slow'));
    some.triggers.start();
    await some.clock.wind(2 * HOUR_MS + 1_000);
    expect(some.triggers.countsOf(triggerId)).toMatchObject({ fires: 2, failures: new Map([['timeout', 2]]) });
  });

  it('calls the version it is of, and the active one otherwise', async () => {
    const some = new SomeTriggers();
    const { functionId, versionId } = some.aFunction('f');
    const settings = settingsOf({ kind: 'schedule', cron: '@hourly' });
    some.triggers.addAll([
      { functionId, versionId, settings },
      { functionId, settings },
    ]);
    const { launch, pool } = some.registry.version(versionId)!;
    const second = some.registry.addVersion(functionId, {
      launch,
      pool,
      code: { kind: 'source', text: 'exports.handler = 2' },
    });
    some.triggers.start();
    await some.clock.wind(HOUR_MS + 1_000);
    expect(some.calls.map(({ request }) => request.versionId)).toEqual([versionId, second.versionId]);
    some.registry.removeVersion(versionId);
    expect(some.triggers.list().length).toBe(1);
    expect(some.registry.triggers.all().length).toBe(1);
  });

  describe('that was missed while the platform was away', () => {
    it('is made up for by one call, however many there were', async () => {
      const some = onDisk();
      const { triggerId } = aSchedule(some);
      some.triggers.start();
      await some.triggers.stop();
      await some.clock.wind(5.5 * HOUR_MS);
      some.restart();
      await some.clock.wind(MINUTE_MS);
      expect(some.calls.length).toBe(1);
      expect(some.events[0]).toMatchObject({ scheduledAt: '2025-06-01T01:00:00.000Z' });
      await some.clock.wind(HOUR_MS);
      expect(some.calls.length).toBe(2);
      expect(some.triggers.countsOf(triggerId).skips.missed).toBe(0);
      some.registry.close();
    });

    it('comes spread out, and not all at once', async () => {
      const some = onDisk();
      for (let count = 0; count < 20; count += 1) aSchedule(some);
      some.triggers.start();
      await some.triggers.stop();
      await some.clock.wind(5.5 * HOUR_MS);
      let drawn = 0;
      Object.defineProperty(some, 'chance', { get: () => (drawn++ % 20) / 20 });
      const beganMs = some.clock.monotonicMs();
      some.restart();
      await some.clock.wind(MINUTE_MS);
      const seconds = some.calls.map(({ atMs }) => Math.floor((atMs - beganMs) / 1_500));
      expect(new Set(seconds).size).toBe(20);
      some.registry.close();
    });

    it('is forgotten where that was asked for, and counted', async () => {
      const some = onDisk();
      const { triggerId } = aSchedule(some, { missed: 'skip' });
      some.triggers.start();
      await some.triggers.stop();
      await some.clock.wind(5.5 * HOUR_MS);
      some.restart();
      await some.clock.wind(MINUTE_MS);
      expect(some.calls).toEqual([]);
      expect(some.triggers.countsOf(triggerId).skips.missed).toBe(1);
      await some.clock.wind(HOUR_MS);
      expect(some.calls.length).toBe(1);
      some.registry.close();
    });

    it('is not made up for twice by a platform that falls over while it does', async () => {
      const some = onDisk();
      aSchedule(some);
      some.triggers.start();
      some.answer = () => new Promise(() => {});
      await some.clock.wind(HOUR_MS + 1_000);
      expect(some.calls.length).toBe(1);
      some.restart();
      await some.clock.wind(10 * MINUTE_MS);
      expect(some.calls.length).toBe(1);
      some.registry.close();
    });
  });

  it('goes on firing when the disk takes nothing', async () => {
    const some = new SomeTriggers();
    aSchedule(some);
    some.triggers.start();
    some.registry.triggers.setDue = () => {
      throw new Error('disk full');
    };
    await some.clock.wind(2 * HOUR_MS + 1_000);
    expect(some.calls.length).toBe(2);
  });

  it('fires once, and at once as missed, when the clock is put forward', async () => {
    const some = new SomeTriggers();
    aSchedule(some);
    some.triggers.start();
    await some.clock.wind(MINUTE_MS);
    some.clock.jumpWall(10 * HOUR_MS);
    await some.clock.wind(2 * MINUTE_MS);
    expect(some.calls.length).toBe(1);
  });

  it('does not fire again when the clock is put back', async () => {
    const some = new SomeTriggers();
    aSchedule(some);
    some.triggers.start();
    await some.clock.wind(HOUR_MS + MINUTE_MS);
    some.clock.jumpWall(-30 * MINUTE_MS);
    await some.clock.wind(45 * MINUTE_MS);
    expect(some.calls.length).toBe(1);
  });
});

import { describe, expect, it } from 'vitest';
import { triggerSettings } from '../../../src/platform/triggers/trigger-settings.ts';

function faultsOf(told: unknown): string[] {
  const { error } = triggerSettings.safeParse(told);
  return (error?.issues ?? []).map(({ path, message }) => `${path.join('.')} ${message}`);
}

describe('triggerSettings', () => {
  it('C13 has a default for all that may be left out', () => {
    expect(triggerSettings.parse({ kind: 'http', path: '/hello' })).toEqual({
      kind: 'http',
      method: 'ANY',
      path: '/hello',
    });
    expect(triggerSettings.parse({ kind: 'schedule', cron: '0 */5 * * *' })).toEqual({
      kind: 'schedule',
      cron: '0 */5 * * *',
      timeZone: 'UTC',
      overlap: 'skip',
      missed: 'once',
    });
    expect(triggerSettings.parse({ kind: 'queue', queue: 'processing-queue' })).toEqual({
      kind: 'queue',
      queue: 'processing-queue',
      batchMax: 1,
      concurrency: 10,
      depthMax: 10_000,
      attemptsMax: 5,
      backoffMs: 1_000,
      backoffMaxMs: 300_000,
    });
  });

  it('reads methods in letters of either size', () => {
    expect(triggerSettings.parse({ kind: 'http', path: '/', method: 'post' })).toMatchObject({ method: 'POST' });
  });

  it.each([
    [{ kind: 'webhook' }, "kind must be 'http', 'schedule' or 'queue'"],
    [{ kind: 'http', path: 'x' }, 'path must begin with a slash'],
    [{ kind: 'http' }, 'path must be text'],
    [{ kind: 'http', path: '/', method: 'BREW' }, 'method must be one of ANY, GET'],
    [{ kind: 'http', path: '/', verb: 'GET' }, 'verb'],
    [{ kind: 'schedule', cron: '61 * * * *' }, 'cron has the minute "61"'],
    [{ kind: 'schedule', cron: '@daily', timeZone: 'Europe/Atlantis' }, 'timeZone is not a time zone'],
    [{ kind: 'schedule', cron: '@daily', missed: 'all' }, "missed must be 'skip' or 'once'"],
    [{ kind: 'schedule', cron: '@daily', payload: 'x'.repeat(300_000) }, 'payload must be 262144 bytes or less'],
    [{ kind: 'queue', queue: 'a b' }, 'queue must be 1 to 140 letters'],
    [{ kind: 'queue', queue: 'a', batchMax: 0 }, 'batchMax must be 1 or more'],
    [{ kind: 'queue', queue: 'a', attemptsMax: 1.5 }, 'attemptsMax must be a whole number'],
    [{ kind: 'queue', queue: 'a', backoffMs: 10, backoffMaxMs: 5 }, 'backoffMaxMs must not be below backoffMs'],
  ])('refuses %j and names the field', (told, words) => {
    expect(faultsOf(told).join('; ')).toContain(words);
  });
});

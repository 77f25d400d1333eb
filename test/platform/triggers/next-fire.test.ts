import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Cron, parseCron } from '../../../src/platform/triggers/cron.ts';
import { nextFire } from '../../../src/platform/triggers/next-fire.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;

function fires(text: string, zone: string, from: string, count: number): string[] {
  const cron = parseCron(text);
  const found: string[] = [];
  let atMs = Date.parse(from);
  while (found.length < count) {
    const next = nextFire(cron, zone, atMs);
    if (next === undefined) break;
    expect(next).toBeGreaterThan(atMs);
    found.push(new Date(next).toISOString().replace('.000Z', 'Z'));
    atMs = next;
  }
  return found;
}

describe('nextFire', () => {
  it('is always after the moment that is given', () => {
    expect(fires('0 12 * * *', 'UTC', '2025-03-01T12:00:00Z', 2)).toEqual([
      '2025-03-02T12:00:00Z',
      '2025-03-03T12:00:00Z',
    ]);
    expect(fires('0 12 * * *', 'UTC', '2025-03-01T11:59:59.999Z', 1)).toEqual(['2025-03-01T12:00:00Z']);
  });

  it('goes by seconds where there are six fields', () => {
    expect(fires('*/25 59 23 31 12 *', 'UTC', '2024-12-31T23:59:10Z', 3)).toEqual([
      '2024-12-31T23:59:25Z',
      '2024-12-31T23:59:50Z',
      '2025-12-31T23:59:00Z',
    ]);
  });

  it('takes either day where both fields name days: each 13th, and each Friday', () => {
    expect(fires('0 0 13 * FRI', 'UTC', '2025-06-01T00:00:00Z', 4)).toEqual([
      '2025-06-06T00:00:00Z',
      '2025-06-13T00:00:00Z',
      '2025-06-20T00:00:00Z',
      '2025-06-27T00:00:00Z',
    ]);
    expect(fires('0 0 */2 * FRI', 'UTC', '2025-06-01T00:00:00Z', 2)).toEqual([
      '2025-06-13T00:00:00Z',
      '2025-06-27T00:00:00Z',
    ]);
  });

  it('finds 29 February eight years on', () => {
    expect(fires('0 0 29 2 *', 'UTC', '2096-03-01T00:00:00Z', 1)).toEqual(['2104-02-29T00:00:00Z']);
  });

  it('fires at local times', () => {
    expect(fires('30 9 * * *', 'Asia/Kolkata', '2025-01-01T00:00:00Z', 1)).toEqual(['2025-01-01T04:00:00Z']);
    expect(fires('0 9 * * MON', 'America/New_York', '2025-06-01T00:00:00Z', 1)).toEqual(['2025-06-02T13:00:00Z']);
  });

  describe('when clocks are put forward (Berlin, 30 March 2025: 02:00 becomes 03:00, at 01:00 UTC)', () => {
    it('makes up for a time of the day that is left out, once', () => {
      expect(fires('30 2 * * *', 'Europe/Berlin', '2025-03-29T00:00:00Z', 3)).toEqual([
        '2025-03-29T01:30:00Z',
        '2025-03-30T01:00:00Z',
        '2025-03-31T00:30:00Z',
      ]);
      expect(fires('0,15,30 2,3 * * *', 'Europe/Berlin', '2025-03-30T00:00:00Z', 3)).toEqual([
        '2025-03-30T01:00:00Z',
        '2025-03-30T01:15:00Z',
        '2025-03-30T01:30:00Z',
      ]);
    });

    it('goes on with intervals', () => {
      expect(fires('*/30 * * * *', 'Europe/Berlin', '2025-03-30T00:30:00Z', 3)).toEqual([
        '2025-03-30T01:00:00Z',
        '2025-03-30T01:30:00Z',
        '2025-03-30T02:00:00Z',
      ]);
      expect(fires('*/20 2 * * *', 'Europe/Berlin', '2025-03-29T23:00:00Z', 1)).toEqual(['2025-03-31T00:00:00Z']);
    });

    it('fires on a midnight that is left out (Beirut, 31 March 2024)', () => {
      expect(fires('0 0 * * *', 'Asia/Beirut', '2024-03-30T00:00:00Z', 2)).toEqual([
        '2024-03-30T22:00:00Z',
        '2024-03-31T21:00:00Z',
      ]);
    });

    it('makes up for a whole day that is left out (Samoa, 30 December 2011)', () => {
      expect(fires('0 12 * * *', 'Pacific/Apia', '2011-12-29T00:00:00Z', 3)).toEqual([
        '2011-12-29T22:00:00Z',
        '2011-12-30T10:00:00Z',
        '2011-12-30T22:00:00Z',
      ]);
    });
  });

  describe('when clocks are put back (Berlin, 26 October 2025: 03:00 becomes 02:00, at 01:00 UTC)', () => {
    it('fires once at a time of the day that comes twice', () => {
      expect(fires('30 2 * * *', 'Europe/Berlin', '2025-10-25T12:00:00Z', 2)).toEqual([
        '2025-10-26T00:30:00Z',
        '2025-10-27T01:30:00Z',
      ]);
      expect(fires('30 2 * * *', 'Europe/Berlin', '2025-10-26T01:10:00Z', 1)).toEqual(['2025-10-27T01:30:00Z']);
    });

    it('goes on with intervals through both hours', () => {
      expect(fires('*/30 * * * *', 'Europe/Berlin', '2025-10-26T00:00:00Z', 5)).toEqual([
        '2025-10-26T00:30:00Z',
        '2025-10-26T01:00:00Z',
        '2025-10-26T01:30:00Z',
        '2025-10-26T02:00:00Z',
        '2025-10-26T02:30:00Z',
      ]);
      expect(fires('0 */2 * * *', 'Europe/Berlin', '2025-10-25T23:00:00Z', 3)).toEqual([
        '2025-10-26T00:00:00Z',
        '2025-10-26T01:00:00Z',
        '2025-10-26T03:00:00Z',
      ]);
    });

    it('knows changes of half an hour (Lord Howe)', () => {
      expect(fires('45 1 * * *', 'Australia/Lord_Howe', '2025-04-05T00:00:00Z', 2)).toEqual([
        '2025-04-05T14:45:00Z',
        '2025-04-06T15:15:00Z',
      ]);
    });
  });

  describe('is what looking at every minute finds', () => {
    const zones = ['UTC', 'Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'Asia/Beirut', 'Pacific/Chatham'];
    // Around changes of clocks in those zones.
    const starts = [
      '2025-03-29T12:00Z',
      '2025-03-08T20:00Z',
      '2024-11-02T20:00Z',
      '2025-10-25T12:00Z',
      '2025-04-04T22:00Z',
    ];
    const numbers = (min: number, max: number) =>
      fc.oneof(
        fc.constant('*'),
        fc.integer({ min: 1, max: 7 }).map((step) => `*/${step}`),
        fc.integer({ min, max }).map(String),
        fc
          .tuple(fc.integer({ min, max }), fc.integer({ min, max }))
          .map((pair) => pair.sort((a, b) => a - b).join('-')),
        fc.uniqueArray(fc.integer({ min, max }), { minLength: 1, maxLength: 3 }).map((list) => list.join(',')),
      );
    const expression = fc
      .tuple(
        numbers(0, 59),
        numbers(0, 5),
        fc.constantFrom('*', '*', '1-15', '*/2', '30'),
        fc.constant('*'),
        numbers(0, 6),
      )
      .map((fields) => fields.join(' '));

    it('for intervals and for times of the day', () => {
      fc.assert(
        fc.property(
          expression,
          fc.constantFrom(...zones),
          fc.constantFrom(...starts),
          fc.integer({ min: 0, max: 30 * 60 }),
          (text, zone, start, minutes) => {
            const cron = parseCron(text);
            const fromMs = Date.parse(start) + minutes * MINUTE_MS;
            const next = nextFire(cron, zone, fromMs) ?? Number.POSITIVE_INFINITY;
            const seen = firstSeen(cron, zone, fromMs);
            if (seen === undefined) expect(next).toBeGreaterThan(fromMs + 2 * DAY_MS);
            else expect(new Date(next).toISOString()).toBe(new Date(seen).toISOString());
          },
        ),
        { numRuns: 400 },
      );
    });
  });
});

/** By looking at every minute of two days. */
function firstSeen(cron: Cron, zone: string, fromMs: number): number | undefined {
  const shownBefore = new Set<string>();
  const format = new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short', timeStyle: 'short' });
  const shown = (atMs: number) => Date.parse(`${format.format(atMs).replace(' ', 'T')}Z`);
  const matches = (localMs: number) => {
    const local = new Date(localMs);
    const isOfMonth = cron.daysOfMonth.has(local.getUTCDate());
    const isOfWeek = cron.daysOfWeek.has(local.getUTCDay());
    return (
      cron.minutes.includes(local.getUTCMinutes()) &&
      cron.hours.includes(local.getUTCHours()) &&
      cron.months.has(local.getUTCMonth() + 1) &&
      (cron.eitherDay ? isOfMonth || isOfWeek : isOfMonth && isOfWeek)
    );
  };
  let previous = shown(fromMs - 6 * HOUR_MS - MINUTE_MS);
  for (let atMs = fromMs - 6 * HOUR_MS; atMs <= fromMs + 2 * DAY_MS; atMs += MINUTE_MS) {
    const local = shown(atMs);
    const leftOut: number[] = [];
    for (let each = previous + MINUTE_MS; each < local; each += MINUTE_MS) leftOut.push(each);
    previous = local;
    const isAgain = shownBefore.has(String(local));
    shownBefore.add(String(local));
    if (atMs <= fromMs) continue;
    if (matches(local) && (cron.isInterval || !isAgain)) return atMs;
    if (!cron.isInterval && leftOut.some(matches)) return atMs;
  }
  return undefined;
}

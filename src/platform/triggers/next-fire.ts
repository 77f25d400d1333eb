import type { Cron } from './cron.ts';
import type { TimeZone } from './time-zone.ts';

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;
/** 29 February is never further away: eight years around 2100. */
const DAYS_MAX = 366 * 9;

/**
 * The first moment after `afterMs` at which the schedule fires; undefined: never.
 *
 * Where clocks are changed, schedules that name times of the day fire once a day all the same: a time that is left out fires
 * when the clocks have been put forward, one that comes twice fires the first time. Those that go by intervals follow the
 * time that passes: nothing is made up for, and the hour that comes twice has its fires twice.
 */
export function nextFire(cron: Cron, zone: TimeZone, afterMs: number): number | undefined {
  return cron.isInterval ? nextInterval(cron, zone, afterMs) : nextTimeOfDay(cron, zone, afterMs);
}

function nextTimeOfDay(cron: Cron, zone: TimeZone, afterMs: number): number | undefined {
  for (let localMs = nextLocal(cron, zone.localMs(afterMs)); localMs !== undefined; ) {
    const atMs = zone.instantsOf(localMs)[0] ?? endOfGap(zone, localMs);
    if (atMs !== undefined && atMs > afterMs) return atMs;
    // It comes a second time, or was made up for.
    localMs = nextLocal(cron, localMs);
  }
  return undefined;
}

/** When clocks were put forward over this time. */
function endOfGap(zone: TimeZone, localMs: number): number | undefined {
  const offsetBeforeMs = zone.offsetMs(localMs - DAY_MS);
  return zone.changeAfter(localMs - offsetBeforeMs - DAY_MS);
}

function nextInterval(cron: Cron, zone: TimeZone, afterMs: number): number | undefined {
  return intervalFrom(cron, zone, afterMs + 1);
}

function intervalFrom(cron: Cron, zone: TimeZone, fromMs: number): number | undefined {
  const localMs = zone.localMs(fromMs);
  const next = nextLocal(cron, localMs - 1);
  if (next === undefined) return undefined;
  const atMs = fromMs + (next - localMs);
  const changeMs = zone.changeAfter(fromMs);
  if (changeMs === undefined ? atMs - fromMs <= DAY_MS : atMs < changeMs) return atMs;
  // The clocks are changed before that, and may then show the same once more.
  if (changeMs !== undefined) return intervalFrom(cron, zone, changeMs);
  return firstShown(cron, zone, next);
}

/** Far away, where clocks may have been changed any number of times. */
function firstShown(cron: Cron, zone: TimeZone, fromLocalMs: number): number | undefined {
  for (let localMs: number | undefined = fromLocalMs; localMs !== undefined; localMs = nextLocal(cron, localMs)) {
    const [atMs] = zone.instantsOf(localMs);
    if (atMs !== undefined) return atMs;
  }
  return undefined;
}

/** The next time that clocks would show, if they were never changed. */
function nextLocal(cron: Cron, afterLocalMs: number): number | undefined {
  const fromMs = (Math.floor(afterLocalMs / SECOND_MS) + 1) * SECOND_MS;
  let dayMs = Math.floor(fromMs / DAY_MS) * DAY_MS;
  let timeMs = fromMs - dayMs;
  for (let days = 0; days < DAYS_MAX; days += 1) {
    if (isDay(cron, dayMs)) {
      const found = firstTime(cron, timeMs);
      if (found !== undefined) return dayMs + found;
    }
    dayMs += DAY_MS;
    timeMs = 0;
  }
  return undefined;
}

function isDay({ months, daysOfMonth, daysOfWeek, eitherDay }: Cron, dayMs: number): boolean {
  const date = new Date(dayMs);
  if (!months.has(date.getUTCMonth() + 1)) return false;
  const isOfMonth = daysOfMonth.has(date.getUTCDate());
  const isOfWeek = daysOfWeek.has(date.getUTCDay());
  return eitherDay ? isOfMonth || isOfWeek : isOfMonth && isOfWeek;
}

/** Of a day, at or after this time of it. */
function firstTime({ hours, minutes, seconds }: Cron, fromMs: number): number | undefined {
  for (const hour of hours) {
    const hourMs = hour * HOUR_MS;
    if (hourMs + HOUR_MS <= fromMs) continue;
    for (const minute of minutes) {
      const minuteMs = hourMs + minute * MINUTE_MS;
      if (minuteMs + MINUTE_MS <= fromMs) continue;
      for (const second of seconds) if (minuteMs + second * SECOND_MS >= fromMs) return minuteMs + second * SECOND_MS;
    }
  }
  return undefined;
}

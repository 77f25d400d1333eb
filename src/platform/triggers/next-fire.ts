import { Cron as Croner } from 'croner';
import type { Cron } from './cron.ts';

/** More than any change of clocks that leaves the day what it is. */
const DAY_LEFT_OUT_MS = 20 * 3_600_000;

/**
 * The first moment after `afterMs` at which the schedule fires; undefined: never.
 *
 * Where clocks are changed, schedules that name times of the day fire once a day all the same: a time that is left out fires
 * when the clocks have been put forward, one that comes twice fires the first time. Those that go by intervals follow the
 * time that passes: nothing is made up for, and the hour that comes twice has its fires twice.
 */
export function nextFire(cron: Cron, timeZone: string, afterMs: number): number | undefined {
  const nextMs = runAfter(cron, timeZone, afterMs);
  if (cron.isInterval || nextMs === undefined) return nextMs;
  const offsetMs = offsetAt(timeZone, afterMs);
  const isBefore = (atMs: number) => offsetAt(timeZone, atMs) - offsetMs < DAY_LEFT_OUT_MS;
  if (isBefore(nextMs)) return nextMs;
  // A whole day is left out, as in Samoa in 2011. croner passes over it, but its times are made up for like all others.
  let [lastMs, changeMs] = [afterMs, nextMs];
  while (changeMs - lastMs > 1) {
    const middleMs = Math.floor((lastMs + changeMs) / 2);
    if (isBefore(middleMs)) lastMs = middleMs;
    else changeMs = middleMs;
  }
  const leftOutMs = runAfter(cron, 'UTC', lastMs + offsetAt(timeZone, lastMs));
  return leftOutMs !== undefined && leftOutMs < changeMs + offsetAt(timeZone, changeMs) ? changeMs : nextMs;
}

/** croner is asked for times alone: its own clock and timers are never used. */
function runAfter(cron: Cron, timeZone: string, afterMs: number): number | undefined {
  // A step is what croner tells intervals by.
  const seconds = cron.seconds.map((second) => (cron.isInterval ? `${second}-${second}/1` : second));
  const pattern = [seconds, cron.minutes, cron.hours, cron.daysOfMonth, cron.months, cron.daysOfWeek];
  const croner = new Croner(pattern.map((field) => [...field].join()).join(' '), {
    timezone: timeZone,
    paused: true,
    fixedTimeRule: 'no-wildcard',
    domAndDow: !cron.eitherDay,
  });
  return croner.nextRun(new Date(afterMs))?.getTime();
}

/** Local time minus UTC. */
function offsetAt(timeZone: string, atMs: number): number {
  const shown = new Date(atMs).toLocaleString('sv-SE', { timeZone });
  return Date.parse(`${shown.replace(' ', 'T')}Z`) - Math.floor(atMs / 1_000) * 1_000;
}

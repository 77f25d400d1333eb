/** Wider than any change of clocks, and narrower than the time between two. */
const AROUND_MS = 26 * 3_600_000;

/**
 * A time zone of the IANA list, as this Node knows it. Local time is told in milliseconds too: those that UTC would have when
 * its clocks show the same.
 */
export class TimeZone {
  readonly name: string;
  readonly #format: Intl.DateTimeFormat;

  /** Throws a RangeError when there is no such zone. */
  constructor(name: string) {
    this.#format = new Intl.DateTimeFormat('en-US', {
      timeZone: name,
      calendar: 'iso8601',
      hourCycle: 'h23',
      era: 'short',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
    this.name = this.#format.resolvedOptions().timeZone;
  }

  /** Local time minus UTC. */
  offsetMs(atMs: number): number {
    const part: Record<string, number> = {};
    for (const { type, value } of this.#format.formatToParts(atMs)) part[type] = Number(value);
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = part;
    const localMs = Date.UTC(year, month - 1, day, hour, minute, second);
    return localMs - Math.floor(atMs / 1_000) * 1_000;
  }

  localMs(atMs: number): number {
    return atMs + this.offsetMs(atMs);
  }

  /** When clocks show this: once, twice when they are put back over it, never when they are put forward over it. In order. */
  instantsOf(localMs: number): number[] {
    const offsets = new Set([this.offsetMs(localMs - AROUND_MS), this.offsetMs(localMs + AROUND_MS)]);
    return [...offsets]
      .map((offsetMs) => localMs - offsetMs)
      .filter((atMs) => this.localMs(atMs) === localMs)
      .sort((a, b) => a - b);
  }

  /** The first moment at which clocks are changed, of those within about a day; undefined: they are not. */
  changeAfter(atMs: number): number | undefined {
    const before = this.offsetMs(atMs);
    let same = atMs;
    let other = atMs + AROUND_MS;
    if (this.offsetMs(other) === before) return undefined;
    while (other - same > 1) {
      const middle = Math.floor((same + other) / 2);
      if (this.offsetMs(middle) === before) same = middle;
      else other = middle;
    }
    return other;
  }
}

const zones = new Map<string, TimeZone>();
const ZONES_MAX = 1_000;

/** Making one takes a tenth of a millisecond, and many schedules share one. Throws a RangeError when there is no such zone. */
export function timeZone(name: string): TimeZone {
  let zone = zones.get(name);
  if (!zone) {
    zone = new TimeZone(name);
    // Zones have several names, in letters of either size: without end, if somebody wanted that.
    if (zones.size >= ZONES_MAX) zones.clear();
    zones.set(name, zone);
  }
  return zone;
}

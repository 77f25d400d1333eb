import type { Clock } from '../../lib/clock.ts';
import type { Random } from '../../lib/random.ts';
import type { ScheduleSettings, Trigger } from '../model/trigger.ts';
import { parseCron } from './cron.ts';
import { nextFire } from './next-fire.ts';

export type ScheduleTrigger = Trigger & { readonly settings: ScheduleSettings };

export interface ScheduleRunnerOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Calls the function; never rejects. */
  readonly fire: (trigger: ScheduleTrigger, scheduledMs: number) => Promise<void>;
  readonly onSkip: (triggerId: string, why: 'overlap' | 'missed') => void;
  /** It fires soon: time to make an instance ready for it. */
  readonly onNear: (trigger: ScheduleTrigger) => void;
  /** Keeps when schedules fire next, before they do what is due now. */
  readonly keepDue: (due: ReadonlyMap<string, number | undefined>) => void;
}

interface Entry {
  readonly trigger: ScheduleTrigger;
  dueMs: number | undefined;
  /** What was missed is made up for then. */
  heldUntilMs: number | undefined;
  /** The time that `onNear` was last called for. */
  nearMs: number | undefined;
  running: number;
}

/** What is later than this was missed: the platform was not running, or the clocks were set. */
const MISSED_AFTER_MS = 60_000;
/** What many schedules have missed is made up for within this time and not all at once. */
const SPREAD_MS = 30_000;
/** A cold start takes a tenth of a second, and some code takes its time to load. */
const NEAR_MS = 2_000;
/** The clock on the wall is read at least so often, because it may be set. */
const LOOK_EVERY_MS = 30_000;

/**
 * Fires schedules, each once however many of its times have passed unseen. When a schedule fires next is on disk before it
 * fires now: a platform that ends in between has left out one fire, and never makes two of it.
 */
export class ScheduleRunner {
  readonly #options: ScheduleRunnerOptions;
  readonly #entries = new Map<string, Entry>();
  #cancelTimer: (() => void) | undefined;
  #isRunning = false;

  constructor(options: ScheduleRunnerOptions) {
    this.#options = options;
  }

  /** `dueMs`: as it was kept; left out for one that begins now. Returns when it fires next. */
  put(trigger: ScheduleTrigger, dueMs: number | undefined = this.#nextOf(trigger)): number | undefined {
    this.#entries.set(trigger.triggerId, { trigger, dueMs, heldUntilMs: undefined, nearMs: undefined, running: 0 });
    this.#arm();
    return dueMs;
  }

  drop(triggerId: string): void {
    this.#entries.delete(triggerId);
    this.#arm();
  }

  dueMs(triggerId: string): number | undefined {
    return this.#entries.get(triggerId)?.dueMs;
  }

  start(): void {
    this.#isRunning = true;
    this.#look();
  }

  stop(): void {
    this.#isRunning = false;
    this.#arm();
  }

  #look(): void {
    const nowMs = this.#options.clock.wallMs();
    const due: Entry[] = [];
    for (const entry of this.#entries.values()) {
      if (entry.dueMs === undefined) continue;
      if (entry.dueMs > nowMs) {
        this.#reportNear(entry, entry.dueMs - nowMs);
        continue;
      }
      const isMissed = nowMs - entry.dueMs > MISSED_AFTER_MS;
      if (isMissed && entry.trigger.settings.missed === 'once') {
        entry.heldUntilMs ??= nowMs + this.#options.random.next() * SPREAD_MS;
      }
      if ((entry.heldUntilMs ?? 0) <= nowMs) due.push(entry);
    }
    const fires = due.map((entry) => ({
      entry,
      scheduledMs: entry.dueMs ?? nowMs,
      isHeld: entry.heldUntilMs !== undefined,
    }));
    for (const entry of due) {
      entry.dueMs = this.#nextOf(entry.trigger);
      entry.heldUntilMs = undefined;
    }
    if (due.length > 0) this.#options.keepDue(new Map(due.map(({ trigger, dueMs }) => [trigger.triggerId, dueMs])));
    for (const { entry, scheduledMs, isHeld } of fires) {
      if (!isHeld && nowMs - scheduledMs > MISSED_AFTER_MS) this.#options.onSkip(entry.trigger.triggerId, 'missed');
      else void this.#fire(entry, scheduledMs);
    }
    this.#arm();
  }

  #reportNear(entry: Entry, leftMs: number): void {
    if (leftMs > NEAR_MS || entry.nearMs === entry.dueMs) return;
    entry.nearMs = entry.dueMs;
    this.#options.onNear(entry.trigger);
  }

  async #fire(entry: Entry, scheduledMs: number): Promise<void> {
    const { trigger } = entry;
    if (entry.running > 0 && trigger.settings.overlap === 'skip') {
      this.#options.onSkip(trigger.triggerId, 'overlap');
      return;
    }
    entry.running += 1;
    await this.#options.fire(trigger, scheduledMs);
    entry.running -= 1;
  }

  #nextOf({ settings }: ScheduleTrigger): number | undefined {
    return nextFire(parseCron(settings.cron), settings.timeZone, this.#options.clock.wallMs());
  }

  #arm(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    if (!this.#isRunning) return;
    let nextMs = Number.POSITIVE_INFINITY;
    for (const { dueMs, heldUntilMs, nearMs } of this.#entries.values()) {
      if (dueMs === undefined) continue;
      nextMs = Math.min(nextMs, heldUntilMs ?? (nearMs === dueMs ? dueMs : dueMs - NEAR_MS));
    }
    if (nextMs === Number.POSITIVE_INFINITY) return;
    const { clock } = this.#options;
    // A timer may be early by a fraction of a millisecond; then it is set once more.
    const delayMs = Math.min(LOOK_EVERY_MS, Math.max(1, Math.ceil(nextMs - clock.wallMs())));
    this.#cancelTimer = clock.after(delayMs, () => this.#look());
  }
}

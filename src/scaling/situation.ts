import type { Control } from '../domain/control.ts';
import type { Policy } from '../domain/policy.ts';
import type { Reason } from '../domain/reason.ts';
import { ABSENT_WINDOW, type Quality, type Signals, type Window } from '../domain/signal.ts';
import type { Target } from '../domain/target.ts';
import type { DecidingSettings } from './deciding-settings.ts';
import type { Memory } from './memory.ts';

/** What is known of a version's target: the answer of a target source, taken as it is. */
export type TargetKnowledge =
  | { readonly state: 'known'; readonly target: Target; readonly ageMs: number }
  | { readonly state: 'gone'; readonly detail?: string }
  | { readonly state: 'barred'; readonly detail: string }
  | { readonly state: 'unknown'; readonly detail: string };

/** `last-known`: the source does not answer now. `default`: it answered that the version has none of its own. */
export type PolicyKnowledge =
  | { readonly state: 'known' | 'default'; readonly policy: Policy }
  | { readonly state: 'last-known'; readonly policy: Policy; readonly ageMs: number }
  | { readonly state: 'unknown' };

/** Everything that one decision is made from. */
export interface Situation {
  readonly nowMs: number;
  readonly signals: Signals;
  readonly target: TargetKnowledge;
  readonly policy: PolicyKnowledge;
  /** The wish that the control plane last accepted; undefined while it never accepted one. A wish that failed is not one. */
  readonly previous: number | undefined;
  /** What became of the last order is not known: `previous` is the most that it can have come to. */
  readonly isUnconfirmed: boolean;
  readonly memory: Memory;
  /** What operators asked for. Controls past their end are ignored. */
  readonly controls: readonly Control[];
  readonly isFleetFrozen: boolean;
  /** Why the caller cannot vouch for what it hands in (clock-skew, state-unknown, control-plane-backoff): nothing moves. */
  readonly blockedBy: Reason | undefined;
  readonly settings: DecidingSettings;
}

/** Does not trust the label: a fresh window with nothing in it, or with something that no load can be, is not fresh. */
export function weigh(window: Window): Window {
  const { quality, samples } = window;
  if (samples.length === 0) return isUsable(quality) ? ABSENT_WINDOW : window;
  for (const sample of samples) {
    // Also true for NaN.
    if (!(sample.value >= 0)) return { quality: 'invalid', samples };
  }
  return window;
}

export function isUsable(quality: Quality): boolean {
  return quality === 'fresh' || quality === 'partial';
}

const UNCOUNTED = { count: undefined, isSound: false } as const;

/**
 * Instances that run, by the metrics or, where they say nothing or nothing yet, by the control plane. `isSound`: nothing is
 * known to be missing from the count.
 */
export function countActual(situation: Situation): { count: number | undefined; isSound: boolean } {
  const { quality, value } = situation.signals.instances;
  const counted = isUsable(quality) ? toCount(value) : undefined;
  if (quality === 'fresh' && counted !== undefined && counted > 0) return { count: counted, isSound: true };
  const { target, settings } = situation;
  const reported =
    target.state === 'known' && target.ageMs <= settings.targetCountMaxAgeMs
      ? toCount(target.target.instancesActive)
      : undefined;
  // Metrics that show none beside a control plane that shows some: the metrics lag, or are gone.
  if (reported !== undefined) return { count: reported, isSound: true };
  return counted === undefined ? UNCOUNTED : { count: counted, isSound: quality === 'fresh' };
}

/** The wish that stands; where none was ever accepted, what runs or is about to. */
export function standingWish(situation: Situation, actual: number | undefined): number | undefined {
  const { previous, target } = situation;
  if (previous !== undefined) return toCount(previous);
  if (target.state !== 'known') return actual;
  const { instancesActive, instancesPending } = target.target;
  const active = toCount(instancesActive);
  const started = active === undefined ? undefined : active + (toCount(instancesPending) ?? 0);
  if (actual === undefined) return started;
  return started === undefined ? actual : Math.max(actual, started);
}

/** Rounds half up; what is no count (negative, infinite, not a number) is unknown. */
function toCount(value: number | undefined): number | undefined {
  if (value === undefined || !(value >= 0) || value === Number.POSITIVE_INFINITY) return undefined;
  return Math.round(value);
}

/** `called`: within the idle time. `idle`: watched for the whole idle time, and no call. `unproven`: neither can be shown. */
export type Activity = 'called' | 'idle' | 'unproven';

export function judgeActivity(situation: Situation, idleTimeoutSeconds: number): Activity {
  const { invocation } = situation.signals;
  const sinceMs = situation.nowMs - idleTimeoutSeconds * 1000;
  // A call that was seen is a call, however much else is missing.
  if (isUsable(invocation.quality) && invocation.lastMs !== undefined && invocation.lastMs > sinceMs) return 'called';
  if (invocation.quality !== 'fresh') return 'unproven';
  if (invocation.watchedSinceMs === undefined || invocation.watchedSinceMs > sinceMs) return 'unproven';
  return 'idle';
}

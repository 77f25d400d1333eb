/** One moment, by both clocks. */
export interface Moment {
  readonly monotonicMs: number;
  readonly wallMs: number;
}

/** What a member knows of its own standing when it asks whether it may write. */
export interface Standing {
  /** When the last beat that was acknowledged was sent. */
  readonly beatBegan: Moment | undefined;
  /** When time was last found to have stood still or jumped, on the monotonic clock. */
  readonly timeBrokeMs: number | undefined;
  readonly isLeaving: boolean;
  /** Whether the newest view gives the bucket to me. */
  readonly isMine: boolean;
}

export type Denial = 'never-beaten' | 'beat-too-old' | 'time-broke' | 'leaving' | 'not-mine';

export interface RightsOptions {
  /** After the last good beat was sent nothing may be sent for longer than this; the others wait twice as long and more. */
  readonly beatFreshMs?: number;
  /** So much more may have passed on the wall clock, which is corrected now and then, before it proves a suspended machine. */
  readonly wallSlackMs?: number;
}

/**
 * Whether a write may be sent now; undefined means yes. Asked right before every write, and again after every wait. This is
 * for order and economy: what makes a late write harmless is its fencing token.
 */
export function denialOf(standing: Standing, now: Moment, options: RightsOptions = {}): Denial | undefined {
  const { beatFreshMs = 3000, wallSlackMs = 2000 } = options;
  const { beatBegan, timeBrokeMs, isLeaving, isMine } = standing;
  if (beatBegan === undefined) return 'never-beaten';
  if (timeBrokeMs !== undefined && beatBegan.monotonicMs <= timeBrokeMs) return 'time-broke';
  if (now.monotonicMs - beatBegan.monotonicMs > beatFreshMs) return 'beat-too-old';
  // The monotonic clock stands still with a suspended machine; the wall clock does not.
  if (now.wallMs - beatBegan.wallMs > beatFreshMs + wallSlackMs) return 'time-broke';
  if (isLeaving) return 'leaving';
  return isMine ? undefined : 'not-mine';
}

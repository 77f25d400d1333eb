/** One moment, by both clocks. */
export interface Moment {
  readonly monotonicMs: number;
  readonly wallMs: number;
}

/** What a member knows of itself when it asks whether it may write. */
export interface WriteConditions {
  /** When the last beat that was acknowledged was sent. */
  readonly beatBegan: Moment | undefined;
  /** When time was last found to have stood still or jumped, on the monotonic clock. */
  readonly timeBrokeMs: number | undefined;
  readonly isLeaving: boolean;
  /** Whether the newest view gives the bucket to me. */
  readonly isMine: boolean;
}

export type Denial = 'never-beaten' | 'beat-too-old' | 'time-broke' | 'leaving' | 'not-mine';

/** So much more may have passed on the wall clock, which is corrected now and then, before it proves a suspended machine. */
const WALL_SLACK_MS = 2000;

/**
 * Whether a write may be sent now; undefined means yes. Asked right before every write, and again after every wait. This is
 * for order and economy: what makes a late write harmless is its fencing token. Nothing may be sent for longer than `selfStopMs`
 * after the last good beat was sent; the others wait twice as long and more.
 */
export function denialOf(
  { beatBegan, timeBrokeMs, isLeaving, isMine }: WriteConditions,
  now: Moment,
  { selfStopMs }: { selfStopMs: number },
): Denial | undefined {
  if (beatBegan === undefined) return 'never-beaten';
  if (timeBrokeMs !== undefined && beatBegan.monotonicMs <= timeBrokeMs) return 'time-broke';
  if (now.monotonicMs - beatBegan.monotonicMs > selfStopMs) return 'beat-too-old';
  // The monotonic clock stands still with a suspended machine; the wall clock does not.
  if (now.wallMs - beatBegan.wallMs > selfStopMs + WALL_SLACK_MS) return 'time-broke';
  if (isLeaving) return 'leaving';
  return isMine ? undefined : 'not-mine';
}

import { describe, expect, it } from 'vitest';
import { denialOf as denialWith, type Moment, type WriteConditions } from '../../src/sharding/rights.ts';

const WALL_MS = 1_700_000_000_000;
const at = (ms: number, wallShiftMs = 0): Moment => ({ monotonicMs: ms, wallMs: WALL_MS + ms + wallShiftMs });
const conditions = (fields: Partial<WriteConditions> = {}): WriteConditions => ({
  beatBegan: at(100_000),
  timeBrokeMs: undefined,
  isLeaving: false,
  isMine: true,
  ...fields,
});
const denialOf = (known: WriteConditions, now: Moment, { selfStopMs } = { selfStopMs: 3000 }) =>
  denialWith(known, now, { selfStopMs });

describe('denialOf', () => {
  it('lets a member write for three seconds after its last good beat was sent, and not a moment longer', () => {
    expect(denialOf(conditions(), at(100_000))).toBeUndefined();
    expect(denialOf(conditions(), at(103_000))).toBeUndefined();
    expect(denialOf(conditions(), at(103_001))).toBe('beat-too-old');
    expect(denialOf(conditions(), at(101_001), { selfStopMs: 1000 })).toBe('beat-too-old');
  });

  it('lets no member write before its first beat was answered', () => {
    expect(denialOf(conditions({ beatBegan: undefined }), at(100_000))).toBe('never-beaten');
  });

  it('finds a process that was stopped for a minute at its first step, though no timer has fired yet', () => {
    expect(denialOf(conditions(), at(160_000))).toBe('beat-too-old');
  });

  it('finds a machine that was suspended, whose monotonic clock slept with it', () => {
    expect(denialOf(conditions(), at(100_200, 60_000))).toBe('time-broke');
    // A correction of the wall clock by a second is no suspension, and neither is one backwards by an hour.
    expect(denialOf(conditions(), at(100_200, 1000))).toBeUndefined();
    expect(denialOf(conditions(), at(100_200, -3_600_000))).toBeUndefined();
  });

  it('after time broke, lets a member write only on a beat that was sent later', () => {
    expect(denialOf(conditions({ timeBrokeMs: 100_500 }), at(101_000))).toBe('time-broke');
    expect(denialOf(conditions({ timeBrokeMs: 100_500, beatBegan: at(100_600) }), at(101_000))).toBeUndefined();
  });

  it('lets no member write to the buckets of others, nor begin anything while leaving', () => {
    expect(denialOf(conditions({ isMine: false }), at(100_000))).toBe('not-mine');
    expect(denialOf(conditions({ isLeaving: true }), at(100_000))).toBe('leaving');
  });
});

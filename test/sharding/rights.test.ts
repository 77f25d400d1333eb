import { describe, expect, it } from 'vitest';
import { denialOf, type Moment, type Standing } from '../../src/sharding/rights.ts';

const WALL_MS = 1_700_000_000_000;
const at = (ms: number, wallShiftMs = 0): Moment => ({ monotonicMs: ms, wallMs: WALL_MS + ms + wallShiftMs });
const standing = (fields: Partial<Standing> = {}): Standing => ({
  beatBegan: at(100_000),
  timeBrokeMs: undefined,
  isLeaving: false,
  isMine: true,
  ...fields,
});

describe('denialOf', () => {
  it('lets a member write for three seconds after its last good beat was sent, and not a moment longer', () => {
    expect(denialOf(standing(), at(100_000))).toBeUndefined();
    expect(denialOf(standing(), at(103_000))).toBeUndefined();
    expect(denialOf(standing(), at(103_001))).toBe('beat-too-old');
    expect(denialOf(standing(), at(101_001), { beatFreshMs: 1000 })).toBe('beat-too-old');
  });

  it('lets nobody write before the first beat was answered', () => {
    expect(denialOf(standing({ beatBegan: undefined }), at(100_000))).toBe('never-beaten');
  });

  it('finds a process that was stopped for a minute at its first step, though no timer has fired yet', () => {
    expect(denialOf(standing(), at(160_000))).toBe('beat-too-old');
  });

  it('finds a machine that was suspended, whose monotonic clock slept with it', () => {
    expect(denialOf(standing(), at(100_200, 60_000))).toBe('time-broke');
    // A correction of the wall clock by a second is no suspension, and neither is one backwards by an hour.
    expect(denialOf(standing(), at(100_200, 1000))).toBeUndefined();
    expect(denialOf(standing(), at(100_200, -3_600_000))).toBeUndefined();
  });

  it('after time broke, lets a member write only on a beat that was sent later', () => {
    expect(denialOf(standing({ timeBrokeMs: 100_500 }), at(101_000))).toBe('time-broke');
    expect(denialOf(standing({ timeBrokeMs: 100_500, beatBegan: at(100_600) }), at(101_000))).toBeUndefined();
  });

  it('lets nobody write to the buckets of others, nor begin anything while leaving', () => {
    expect(denialOf(standing({ isMine: false }), at(100_000))).toBe('not-mine');
    expect(denialOf(standing({ isLeaving: true }), at(100_000))).toBe('leaving');
  });
});

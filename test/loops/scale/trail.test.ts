import { describe, expect, it } from 'vitest';
import { NO_TRAIL, noteTrail, type TrailPoint } from '../../../src/loops/scale/trail.ts';

function trailOf(points: readonly TrailPoint[]): readonly TrailPoint[] {
  return points.reduce(noteTrail, NO_TRAIL);
}

describe('the trail of a version', () => {
  it('has a point where wanted or actual changed, and none in between', () => {
    const trail = trailOf([
      { atMs: 1, wanted: 2, actual: undefined },
      { atMs: 2, wanted: 2, actual: undefined },
      { atMs: 3, wanted: 2, actual: 1 },
      { atMs: 4, wanted: 3, actual: 1 },
      { atMs: 5, wanted: 3, actual: 1 },
    ]);
    expect(trail.map(({ atMs }) => atMs)).toEqual([1, 3, 4]);
  });

  it('costs a version at rest nothing', () => {
    const trail = noteTrail(NO_TRAIL, { atMs: 1, wanted: 2, actual: 2 });
    expect(noteTrail(trail, { atMs: 9, wanted: 2, actual: 2 })).toBe(trail);
  });

  it('takes the later of two words about one moment', () => {
    const trail = trailOf([
      { atMs: 1, wanted: 5, actual: 5 },
      { atMs: 2, wanted: 0, actual: 5 },
      { atMs: 2, wanted: 5, actual: 5 },
    ]);
    expect(trail).toEqual([{ atMs: 1, wanted: 5, actual: 5 }]);
  });

  it('forgets the oldest points of a version that never rests', () => {
    const trail = trailOf(Array.from({ length: 500 }, (_, index) => ({ atMs: index, wanted: index, actual: 1 })));
    expect(trail).toHaveLength(120);
    expect([trail[0]?.atMs, trail.at(-1)?.atMs]).toEqual([380, 499]);
  });
});

/** What was wanted and what ran from one moment on, until the next point. */
export interface TrailPoint {
  readonly atMs: number;
  readonly wanted: number | undefined;
  readonly actual: number | undefined;
}

/** Enough for an hour of a version that moves every half a minute; one that rests costs a single point. */
const POINTS_MAX = 120;

/** Where nothing was noted yet; shared, because most of a fleet has been met just now after a start. */
export const NO_TRAIL: readonly TrailPoint[] = [];

/**
 * For people: the trail with this moment noted, the very same one while nothing changes. Of two words about one moment
 * the later counts: what the fleet guard stopped was never wanted.
 */
export function noteTrail(trail: readonly TrailPoint[], point: TrailPoint): readonly TrailPoint[] {
  const last = trail.at(-1);
  if (last && last.wanted === point.wanted && last.actual === point.actual) return trail;
  if (last?.atMs === point.atMs) return noteTrail(trail.slice(0, -1), point);
  // `concat` makes it just as long as it is; an array literal with a spread keeps room for 17.
  return trail.slice(1 - POINTS_MAX).concat({ atMs: point.atMs, wanted: point.wanted, actual: point.actual });
}

import type { Entry, Policy, Sample, Version } from '../api/shapes.ts';

/** Seconds since the epoch, and what was there; null breaks the line. */
export type Point = readonly [atSeconds: number, value: number | null];

export interface Marker {
  readonly atSeconds: number;
  readonly entry: Entry;
}

export interface ChartSeries {
  readonly wanted: readonly Point[];
  readonly actual: readonly Point[];
  readonly utilisation: readonly Point[];
  readonly demand: readonly Point[];
  /** What the wanted instances carry at the target of the policy; load beyond it raises. */
  readonly capacity: readonly Point[];
  readonly markers: readonly Marker[];
  /** Per cent of utilisation at which the policy acts. */
  readonly thresholds: readonly { readonly value: number; readonly name: string }[];
  readonly bounds: { readonly min: number; readonly max: number } | undefined;
  /** Since when there is anything to show. */
  readonly fromSeconds: number | undefined;
}

/** Samples further apart than this many of their usual steps have a hole between them. */
const HOLE_STEPS = 3.5;

/** One time axis out of three sources: what the member watched, what it decided, and what the ledger holds of before. */
export function chartSeries(version: Version, entries: readonly Entry[], nowMs: number): ChartSeries {
  const oldestFirst = entries.toSorted((a, b) => Date.parse(a.at) - Date.parse(b.at));
  const steps = stepsOf(version, oldestFirst, nowMs);
  const loadOf = (signal: 'utilisation' | 'demand') => {
    const looks = [...oldestFirst.map((entry) => entry[signal]), version[signal]];
    return withHoles(mergeSamples(looks), usualStep(looks));
  };
  const utilisation = loadOf('utilisation');
  const demand = loadOf('demand');
  const policy = version.policyInForce;
  const perInstance =
    policy?.kind === 'target' && version.target
      ? (policy.target ?? Number.NaN) * version.target.concurrency
      : Number.NaN;
  const starts = [steps.wanted, steps.actual, utilisation, demand].flatMap((points) => points[0]?.[0] ?? []);
  return {
    ...steps,
    utilisation,
    demand,
    capacity: Number.isFinite(perInstance)
      ? steps.wanted.map(([at, wanted]) => [at, wanted === null ? null : wanted * perInstance])
      : [],
    markers: oldestFirst
      .filter(({ verdict }) => verdict !== 'keep')
      .map((entry) => ({ atSeconds: Date.parse(entry.at) / 1000, entry })),
    thresholds: thresholdsOf(policy),
    bounds: version.target ? { min: version.target.min, max: version.target.max } : undefined,
    fromSeconds: starts.length > 0 ? Math.min(...starts) : undefined,
  };
}

export function thresholdsOf(policy: Policy | null): { value: number; name: string }[] {
  if (policy?.kind !== 'steps') return [];
  return [
    ...(policy.up ? [{ value: policy.up.threshold, name: `raise above ${policy.up.threshold} %` }] : []),
    ...(policy.down ? [{ value: policy.down.threshold, name: `lower below ${policy.down.threshold} %` }] : []),
  ];
}

/** The ledger covers the time before the trail of this member begins; both end at the last evaluation. */
function stepsOf(version: Version, entries: readonly Entry[], nowMs: number) {
  const trailFromMs = version.trail[0] ? Date.parse(version.trail[0].at) : Number.POSITIVE_INFINITY;
  const before = entries.filter((entry) => Date.parse(entry.at) < trailFromMs);
  const points = [...before, ...version.trail].map(({ at, wanted, actual }) => ({
    at: Date.parse(at) / 1000,
    wanted,
    actual,
  }));
  const last = points.at(-1);
  const endSeconds = (version.latest && version.isMine ? Date.parse(version.latest.at) : nowMs) / 1000;
  if (last && endSeconds > last.at) points.push({ ...last, at: endSeconds });
  return {
    wanted: points.map(({ at, wanted }): Point => [at, wanted]),
    actual: points.map(({ at, actual }): Point => [at, actual]),
  };
}

/** Several looks at the same past: one sample a moment. */
export function mergeSamples(looks: readonly (readonly Sample[])[]): Point[] {
  const byTime = new Map<number, number | null>();
  for (const look of looks) {
    for (const { at, value } of look) {
      // Infinite load has no place on an axis: the line breaks, and the decision beside it says why.
      byTime.set(Date.parse(at) / 1000, typeof value === 'number' ? value : null);
    }
  }
  return [...byTime].sort(([a], [b]) => a - b);
}

/** Seconds between the samples of one look. Looks themselves may be close together, which says nothing of their step. */
function usualStep(looks: readonly (readonly Sample[])[]): number | undefined {
  return median(looks.flatMap((look) => gapsOf(look.map(({ at }) => Date.parse(at) / 1000))));
}

function gapsOf(times: readonly number[]): number[] {
  return times.slice(1).map((at, index) => at - (times[index] ?? at));
}

function median(values: readonly number[]): number | undefined {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}

export function withHoles(points: readonly Point[], stepSeconds?: number): Point[] {
  const gaps = gapsOf(points.map(([at]) => at));
  const usual = stepSeconds ?? median(gaps) ?? 0;
  return points.flatMap((point, index): Point[] => {
    const gap = gaps[index - 1];
    return gap !== undefined && gap > usual * HOLE_STEPS ? [[point[0] - gap / 2, null], point] : [point];
  });
}

/**
 * Columns that share their times. `undefined` where a line only has no point of its own and goes on; `carry` repeats the
 * last value instead, for lines that are steps.
 */
export function alignColumns(
  lines: readonly (readonly Point[])[],
  options: { carry?: boolean } = {},
): [times: number[], ...columns: (number | null | undefined)[][]] {
  const times = [...new Set(lines.flatMap((line) => line.map(([at]) => at)))].sort((a, b) => a - b);
  const columns = lines.map((line) => {
    const values = new Map(line);
    let last: number | null | undefined;
    return times.map((at) => {
      if (values.has(at)) last = values.get(at);
      else if (!options.carry) return undefined;
      return last;
    });
  });
  return [times, ...columns];
}

/** The marker nearest to a place on the axis, if it is near enough to be meant. */
export function nearestMarker(
  markers: readonly Marker[],
  atSeconds: number,
  withinSeconds: number,
): Marker | undefined {
  let nearest: Marker | undefined;
  for (const marker of markers) {
    const distance = Math.abs(marker.atSeconds - atSeconds);
    if (distance <= withinSeconds && distance <= Math.abs((nearest?.atSeconds ?? Number.POSITIVE_INFINITY) - atSeconds))
      nearest = marker;
  }
  return nearest;
}

/** In whole steps, so that a chart does not creep with every second. */
const STEP_SECONDS = 5;
const SHORTEST_SECONDS = 30;

/** The span that was chosen, or as much of it as there is anything to show of. */
export function chartWindow(options: {
  readonly spanSeconds: number;
  readonly firstSeconds: number;
  readonly nowSeconds: number;
}): { readonly from: number; readonly to: number } {
  const to = Math.ceil(options.nowSeconds / STEP_SECONDS) * STEP_SECONDS;
  const first = Math.floor(options.firstSeconds / STEP_SECONDS) * STEP_SECONDS;
  return { from: Math.max(to - options.spanSeconds, Math.min(first, to - SHORTEST_SECONDS)), to };
}

/** Whether there is anything from before a span: a longer one would show more. */
export function hasOlder(options: {
  readonly thanSeconds: number;
  readonly firstSeconds: number;
  readonly nowSeconds: number;
}): boolean {
  return options.nowSeconds - options.firstSeconds > options.thanSeconds;
}

import { describe, expect, it } from 'vitest';
import type { Entry, Version } from '../../src/console/api/shapes.ts';
import {
  alignColumns,
  chartSeries,
  mergeSamples,
  nearestMarker,
  thresholdsOf,
  withHoles,
} from '../../src/console/view/chart-series.ts';

const at = (seconds: number) => new Date(seconds * 1000).toISOString();

function anEntry(seconds: number, changes: Partial<Entry> = {}): Entry {
  return {
    at: at(seconds),
    verdict: 'raise',
    previous: 1,
    wanted: 2,
    actual: 1,
    policy: '',
    reasons: [],
    whyNot: [],
    utilisation: [],
    demand: [],
    holder: 'm',
    token: '1',
    outcome: 'applied',
    detail: '',
    ...changes,
  };
}

function aVersion(changes: Partial<Version> = {}): Version {
  return {
    versionId: 'v',
    name: null,
    functionId: 'f',
    account: 'a',
    bucket: 1,
    owner: 'm',
    ownerAddress: null,
    isMine: true,
    profile: null,
    profiles: [],
    state: null,
    target: { status: 'ACTIVE', min: 1, max: 9, concurrency: 4, policy: null },
    targetAsOf: null,
    policyInForce: { kind: 'target', target: 0.5 },
    latest: null,
    utilisation: [],
    demand: [],
    trail: [],
    calls: null,
    memory: null,
    controls: [],
    ...changes,
  };
}

describe('the chart of a version', () => {
  it('takes the time before the trail from the ledger, and ends at the last look', () => {
    const version = aVersion({
      trail: [
        { at: at(100), wanted: 2, actual: 1 },
        { at: at(110), wanted: 2, actual: 2 },
      ],
      latest: { ...anEntry(130), verdict: 'keep' },
    });
    const { wanted, actual, fromSeconds } = chartSeries(version, [anEntry(105, { wanted: 99 }), anEntry(50)], 999_000);
    expect(wanted).toEqual([
      [50, 2],
      [100, 2],
      [110, 2],
      [130, 2],
    ]);
    expect(actual.map(([, value]) => value)).toEqual([1, 1, 2, 2]);
    expect(fromSeconds).toBe(50);
  });

  it('shows what the wanted instances carry at the target, and thresholds where a policy has them', () => {
    const version = aVersion({ trail: [{ at: at(1), wanted: 3, actual: 3 }] });
    expect(chartSeries(version, [], 5_000).capacity[0]).toEqual([1, 6]);
    expect(chartSeries(version, [], 5_000).thresholds).toEqual([]);
    expect(thresholdsOf({ kind: 'steps', up: { threshold: 70 }, down: { threshold: 30 } })).toEqual([
      { value: 70, name: 'raise above 70 %' },
      { value: 30, name: 'lower below 30 %' },
    ]);
    expect(thresholdsOf(null)).toEqual([]);
  });

  it('marks what was decided and not what was kept', () => {
    const entries = [anEntry(3, { verdict: 'keep' }), anEntry(2, { verdict: 'abstain' }), anEntry(1)];
    const { markers } = chartSeries(aVersion(), entries, 10_000);
    expect(markers.map(({ atSeconds }) => atSeconds)).toEqual([1, 2]);
    expect(nearestMarker(markers, 1.9, 0.5)?.atSeconds).toBe(2);
    expect(nearestMarker(markers, 9, 0.5)).toBeUndefined();
  });

  it('takes a moment once, however often it was looked at, and breaks where load is infinite', () => {
    const looks = [
      [
        { at: at(2), value: 5 },
        { at: at(1), value: 4 },
      ],
      [
        { at: at(2), value: 5 },
        { at: at(3), value: '+Inf' as const },
      ],
    ];
    expect(mergeSamples(looks)).toEqual([
      [1, 4],
      [2, 5],
      [3, null],
    ]);
  });

  it('draws no line over a hole', () => {
    const points = withHoles([
      [0, 1],
      [5, 1],
      [10, 1],
      [100, 1],
      [105, 1],
    ]);
    expect(points.map(([, value]) => value)).toEqual([1, 1, 1, null, 1, 1]);
    expect(withHoles([])).toEqual([]);
  });

  it('knows the step of the samples from a look, however close together looks were', () => {
    const grid = (untilSeconds: number) =>
      [untilSeconds - 120, untilSeconds - 60, untilSeconds].map((seconds) => ({ at: at(seconds), value: 50 }));
    // Six decisions within ten seconds, each with the newest sample of its moment: no step of two seconds.
    const entries = [300, 302, 304, 306, 308, 310].map((seconds) =>
      anEntry(seconds, { utilisation: [...grid(240), { at: at(seconds), value: 60 }] }),
    );
    const version = aVersion({ utilisation: [...grid(240), { at: at(300), value: 60 }, { at: at(360), value: 60 }] });
    const { utilisation } = chartSeries(version, entries, 400_000);
    expect(utilisation.map(([, value]) => value)).not.toContain(null);
    const later = aVersion({ utilisation: grid(900) });
    expect(chartSeries(later, entries, 900_000).utilisation.filter(([, value]) => value === null)).toHaveLength(1);
  });

  it('lines up columns: a gap of one line is no hole in it, and steps hold their value', () => {
    const lines = [
      [
        [1, 10],
        [3, 30],
      ],
      [[2, 5]],
    ] as const;
    expect(alignColumns(lines)).toEqual([
      [1, 2, 3],
      [10, undefined, 30],
      [undefined, 5, undefined],
    ]);
    expect(alignColumns(lines, { carry: true })).toEqual([
      [1, 2, 3],
      [10, 10, 30],
      [undefined, 5, 5],
    ]);
  });
});

import type { ReadState } from '../../ports/signal-reader.ts';
import { type RawSeries, sampleValue } from './answer.ts';

/** What is wrong with a number, for people. */
export type Rejection = 'ambiguous' | 'negative' | 'unreadable';

/** The series of one query, row by row; a version may have several. */
export interface QueryTable {
  readonly state: ReadState;
  /** Whether any of the query's metrics exists for any version; undefined when that is not known. */
  readonly isPresent: boolean | undefined;
  readonly detail: string;
  readonly versionIds: readonly string[];
  /** NaN where there is no value. */
  readonly values: Float64Array;
  /** Rows whose value could not be read. */
  readonly unreadable: ReadonlySet<number>;
  /** Numbers from a label, for terms that weigh by it; NaN where the label holds none. */
  readonly weights: ReadonlyMap<string, Float64Array>;
}

export const NO_ROWS: Pick<QueryTable, 'versionIds' | 'values' | 'unreadable' | 'weights'> = {
  versionIds: [],
  values: new Float64Array(0),
  unreadable: new Set(),
  weights: new Map(),
};

/** Turns series into columns. Series without a version id tell nothing about any version and are left out. */
export function tableRows(
  series: readonly RawSeries[],
  options: {
    versionLabel: string;
    weightLabels: readonly string[];
    /** The value of the i-th series as text, undefined for none at the moment that is looked at; default: its newest. */
    valueAt?: (index: number) => unknown;
  },
): Pick<QueryTable, 'versionIds' | 'values' | 'unreadable' | 'weights'> {
  const { versionLabel, weightLabels, valueAt } = options;
  const versionIds: string[] = [];
  const values = new Float64Array(series.length);
  const unreadable = new Set<number>();
  const weights = new Map(weightLabels.map((label) => [label, new Float64Array(series.length)]));
  for (const [index, { metric, samples }] of series.entries()) {
    const versionId = metric[versionLabel];
    if (typeof versionId !== 'string' || versionId === '') continue;
    const text = valueAt ? valueAt(index) : (samples.at(-1)?.[1] ?? null);
    if (text === undefined) continue;
    const row = versionIds.push(versionId) - 1;
    const value = sampleValue(text);
    if (value === undefined) unreadable.add(row);
    values[row] = value ?? Number.NaN;
    for (const [label, ofLabel] of weights) ofLabel[row] = weightOf(metric[label]);
  }
  return { versionIds, values, unreadable, weights };
}

function weightOf(text: string | undefined): number {
  return sampleValue(text) ?? Number.NaN;
}

import type { ReadState } from '../../ports/signal-reader.ts';
import { type SeriesList, sampleValue } from './answer.ts';
import type { VersionIndex } from './version-index.ts';

/** What is wrong with a number, for people. */
export type Rejection = 'ambiguous' | 'negative' | 'unreadable';

/** The series of one query, row by row; a version may have several. */
export interface TableRows {
  /** Which version, as a slot of the index. */
  readonly slots: Int32Array;
  /** NaN where there is no value. */
  readonly values: Float64Array;
  /** Rows whose value could not be read. */
  readonly unreadable: ReadonlySet<number>;
  /** Numbers from a label, for terms that weigh by it; NaN where the label holds none. */
  readonly weights: ReadonlyMap<string, Float64Array>;
}

export interface QueryTable extends TableRows {
  readonly state: ReadState;
  /** Whether any of the query's metrics exists for any version; undefined when that is not known. */
  readonly isPresent: boolean | undefined;
  readonly detail: string;
}

export const NO_ROWS: TableRows = {
  slots: new Int32Array(0),
  values: new Float64Array(0),
  unreadable: new Set(),
  weights: new Map(),
};

/** Turns series into columns. Series without a version id tell nothing about any version and are left out. */
export function tableRows(
  series: SeriesList,
  options: {
    index: VersionIndex;
    versionLabel: string;
    weightLabels: readonly string[];
    /** The value of the i-th series as text, undefined for none at the moment that is looked at; default: its newest. */
    valueAt?: (index: number) => unknown;
  },
): TableRows {
  const { index, versionLabel, weightLabels, valueAt } = options;
  const slots = new Int32Array(series.length);
  const values = new Float64Array(series.length);
  const unreadable = new Set<number>();
  const weights = weightLabels.map((label) => [label, new Float64Array(series.length)] as const);
  let rows = 0;
  let at = -1;
  for (const { metric, samples } of series) {
    at += 1;
    const versionId = metric[versionLabel];
    if (typeof versionId !== 'string' || versionId === '') continue;
    const text = valueAt ? valueAt(at) : (samples[samples.length - 1]?.[1] ?? null);
    if (text === undefined) continue;
    const value = sampleValue(text);
    if (value === undefined) unreadable.add(rows);
    slots[rows] = index.slotOf(versionId);
    values[rows] = value ?? Number.NaN;
    for (const [label, ofLabel] of weights) ofLabel[rows] = sampleValue(metric[label]) ?? Number.NaN;
    rows += 1;
  }
  return {
    slots: slots.subarray(0, rows),
    values: values.subarray(0, rows),
    unreadable,
    weights: new Map(weights),
  };
}

import type { ReadState } from '../../ports/signal-reader.ts';
import { type RawSeries, type SeriesList, sampleValue } from './query-result.ts';
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

interface RowOptions {
  readonly index: VersionIndex;
  readonly versionLabel: string;
  readonly weightLabels: readonly string[];
}

/** Turns series into columns, of their newest values. Series without a version id tell nothing about any version and are left out. */
export function tableRows(series: SeriesList, options: RowOptions): TableRows {
  const rows = new RowsOfSeries(series.length, options);
  const values = new Float64Array(series.length);
  const unreadable = new Set<number>();
  for (const { metric, samples } of series) {
    const row = rows.add(metric);
    if (row === undefined) continue;
    const value = sampleValue(samples[samples.length - 1]?.[1] ?? null);
    if (value === undefined) unreadable.add(row);
    values[row] = value ?? Number.NaN;
  }
  return rows.table(values, unreadable);
}

/** Turns matrices into columns, one table for each moment, so that the past is made of queries just as the present is. */
export function tablesInTime(series: SeriesList, options: RowOptions): Map<number, TableRows> {
  const rows = new RowsOfSeries(series.length, options);
  const moments = new Map<number, { values: Float64Array; unreadable: Set<number> }>();
  for (const { metric, samples } of series) {
    const row = rows.add(metric);
    if (row === undefined) continue;
    for (const [atSeconds, text] of samples) {
      let moment = moments.get(atSeconds);
      if (!moment) {
        moment = { values: new Float64Array(series.length).fill(Number.NaN), unreadable: new Set() };
        moments.set(atSeconds, moment);
      }
      const value = sampleValue(text);
      if (value === undefined) moment.unreadable.add(row);
      else moment.values[row] = value;
    }
  }
  return new Map(
    Array.from(moments, ([atSeconds, { values, unreadable }]) => [atSeconds, rows.table(values, unreadable)]),
  );
}

/** What the labels of series say, row by row. */
class RowsOfSeries {
  readonly #options: RowOptions;
  readonly #slots: Int32Array;
  readonly #weights: (readonly [label: string, numbers: Float64Array])[];
  #count = 0;

  constructor(seriesMax: number, options: RowOptions) {
    this.#options = options;
    this.#slots = new Int32Array(seriesMax);
    this.#weights = options.weightLabels.map((label) => [label, new Float64Array(seriesMax)] as const);
  }

  /** The row of this series; undefined where it is of no version. */
  add(metric: RawSeries['metric']): number | undefined {
    const versionId = metric[this.#options.versionLabel];
    if (typeof versionId !== 'string' || versionId === '') return undefined;
    const row = this.#count;
    this.#count += 1;
    this.#slots[row] = this.#options.index.slotOf(versionId);
    for (const [label, numbers] of this.#weights) numbers[row] = sampleValue(metric[label]) ?? Number.NaN;
    return row;
  }

  /** With the values of one moment. */
  table(values: Float64Array, unreadable: ReadonlySet<number>): TableRows {
    return {
      slots: this.#slots.subarray(0, this.#count),
      values: values.subarray(0, this.#count),
      unreadable,
      weights: new Map(this.#weights),
    };
  }
}

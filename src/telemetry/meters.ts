import type { CounterName, GaugeName, HistogramName } from './catalogue.ts';

export type Labels = Readonly<Record<string, string | number | boolean>>;

/** Where the code writes its numbers. Names come from the catalogue, so a typing error does not compile. */
export interface Meters {
  add(name: CounterName, value: number, labels?: Labels): void;
  record(name: HistogramName, value: number, labels?: Labels): void;
  /** NaN takes the series away. */
  set(name: GaugeName, value: number, labels?: Labels): void;
}

export const silentMeters: Meters = { add() {}, record() {}, set() {} };

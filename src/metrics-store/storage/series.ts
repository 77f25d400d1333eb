import type { Labels } from './labels.ts';

/** One series: its labels, and where its samples stand, oldest first. */
export interface Series {
  readonly labels: Labels;
  readonly blocks: number[];
  lastMs: number;
  /** No longer in the store: who still holds it must ask for it anew. */
  isDropped: boolean;
}

import type { Catalogue } from './catalogue.ts';
import type { Controls } from './controls.ts';
import type { DutyKeeper } from './duty-keeper.ts';
import type { Ledger } from './ledger.ts';
import type { Roster } from './roster.ts';
import type { StateKeeper } from './state-keeper.ts';

/** Facts that all members must agree on; whoever starts with others refuses to run. */
export interface Layout {
  readonly bucketCount: number;
  /** How versions are placed in buckets: `murmur3`, or `label:<name>` when the metrics carry the bucket. */
  readonly placement: string;
  readonly schemaVersion: number;
}

/** One coordination store: the roles it plays, and its life. */
export interface Store {
  readonly roster: Roster;
  readonly duties: DutyKeeper;
  readonly catalogue: Catalogue;
  readonly states: StateKeeper;
  readonly ledger: Ledger;
  readonly controls: Controls;
  /** Writes the layout where there is none, and throws StoreError('schema') when another one stands there. */
  agree(layout: Layout): Promise<void>;
  /** Asks the store something small; rejects with a StoreError when it does not answer. */
  ping(): Promise<void>;
  /** Ends every call that is still running, then returns. */
  close(): Promise<void>;
}

import type { Catalogue } from './catalogue.ts';
import type { Controls } from './controls.ts';
import type { DutyKeeper } from './duty-keeper.ts';
import type { Ledger } from './ledger.ts';
import type { Roster } from './roster.ts';
import type { StateKeeper } from './state-keeper.ts';

/** Facts that all members must agree on; a member that starts with others refuses to run. */
export interface Layout {
  readonly bucketCount: number;
  /** How versions are placed in buckets: `murmur3`, or `label:<name>` when the metrics carry the bucket. */
  readonly placement: string;
  readonly schemaVersion: number;
}

/** What to tell somebody who starts with another layout than the one that stands in the store; undefined when they agree. */
export function describeLayoutConflict(mine: Layout, stored: Layout): string | undefined {
  const facts = (['bucketCount', 'placement', 'schemaVersion'] as const)
    .filter((fact) => mine[fact] !== stored[fact])
    .map((fact) => `${fact} is ${stored[fact]} in the store and ${mine[fact]} here`);
  if (facts.length === 0) return undefined;
  return `${facts.join('; ')}. All members must agree: start with what the store says, or with a store of your own`;
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
  /** What members have agreed on; undefined before the first one. Writes nothing, and rejects like `agree` where the tables are missing. */
  readLayout(): Promise<Layout | undefined>;
  /** Asks the store something small; rejects with a StoreError when it does not answer. */
  ping(): Promise<void>;
  /** Ends every call that is still running, then returns. */
  close(): Promise<void>;
}

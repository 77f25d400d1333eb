import type { Layout, Store } from '../../../src/ports/store.ts';

/**
 * How the contract suite gets at one kind of store. One harness serves a whole suite run: tests keep apart by using
 * buckets and ids of their own, so it need not be emptied in between.
 */
export interface StoreHarness {
  /** What the suite agrees on at its start; `schemaVersion` must be the one that this store really has. */
  readonly layout: Layout;
  /** The store's own idea of the time, for time stamps that must lie near it. */
  wallMs(): number;
  /** Another client of the same store, as another member would open it. The suite closes it. */
  open(): Promise<Store>;
  /** No call may take longer than this in real time, whatever is broken. */
  readonly callTimeoutMs: number;
  /** Whether plain reads are still answered during `makeUnavailable` (one file whose writers are locked out). */
  readonly isReadableInOutage: boolean;
  /** Rows of one page of a bucket read, where reads are paged; as small as can be set. */
  readonly pageRows: number;
  dispose(): Promise<void>;

  // Capabilities. A harness without one names the reason in `leftOut`.

  /** `pass`: lets the store's time go on, by winding or by waiting. */
  pass?(ms: number): Promise<void>;
  /** `reopen`: closes everything that can be closed and opens the store again from what is durable. */
  reopen?(): Promise<Store>;
  /** `outage`: from now on the store answers nobody (or takes no writes, see `isReadableInOutage`). */
  makeUnavailable?(): Promise<void>;
  /** Undoes `makeUnavailable` and `loseNextAnswer`. Calls may need a moment to succeed again. */
  heal?(): Promise<void>;
  /** `lost-answers`: the client's next conditional write happens, but its answer does not arrive; the client's later calls do, or do not either. */
  loseNextAnswer?(store: Store, options: { thenUnavailable: boolean }): Promise<void>;
  /** `kill`: ends the client as kill -9 would, at once and without a word. */
  kill?(store: Store): Promise<void>;
}

export type Capability = 'pass' | 'reopen' | 'outage' | 'lost-answers' | 'kill';

/** Why a capability is missing, by name; the cases that need it are reported as skipped with this reason. */
export type LeftOut = Partial<Record<Capability, string>>;

const METHODS: Record<Capability, readonly (keyof StoreHarness)[]> = {
  pass: ['pass'],
  reopen: ['reopen'],
  outage: ['makeUnavailable', 'heal'],
  'lost-answers': ['loseNextAnswer', 'heal'],
  kill: ['kill'],
};

export function hasCapability(harness: StoreHarness, capability: Capability): boolean {
  return METHODS[capability].every((method) => harness[method] !== undefined);
}

import type { Bucket } from '../domain/bucket.ts';
import type { FencingToken } from '../domain/fencing-token.ts';
import type { Claim, FunctionState, Settlement } from '../domain/function-state.ts';

export type ClaimResult =
  | { readonly versionId: string; readonly outcome: 'applied' }
  /** Somebody else holds a newer token; `current` is what stands there now. */
  | { readonly versionId: string; readonly outcome: 'lost'; readonly current: FunctionState | undefined }
  /** It could not be found out within the deadline. Nothing may be sent under this token. */
  | { readonly versionId: string; readonly outcome: 'unknown' };

export type SettleResult = { readonly versionId: string; readonly outcome: 'settled' | 'superseded' | 'unknown' };

/**
 * The durable state and fencing token of each function version. All changes of one bucket go together in one conditional
 * batch, and an implementation never has two conditional writes in flight on one bucket.
 */
export interface StateKeeper {
  read(buckets: readonly Bucket[]): Promise<FunctionState[]>;
  /** Linearizable: also finishes or kills writes that are in flight. */
  readOne(bucket: Bucket, versionId: string): Promise<FunctionState | undefined>;
  /** Takes the next token of each version; those whose token has moved are lost, the others are claimed all the same. */
  claim(bucket: Bucket, claims: readonly Claim[]): Promise<ClaimResult[]>;
  settle(bucket: Bucket, settlements: readonly Settlement[]): Promise<SettleResult[]>;
  /** Removes the row of a version that is long gone, if it is settled and still has this token. */
  forget(bucket: Bucket, versionId: string, token: FencingToken): Promise<boolean>;
}

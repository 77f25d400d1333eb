import type { DutyName, DutyRow } from '../domain/duty.ts';
import type { FencingToken } from '../domain/fencing-token.ts';
import type { Swap } from './store-error.ts';

/** Hands a duty from holder to holder by compare-and-set. Time plays no part here: who may try, and when, is the caller's. */
export interface DutyKeeper {
  /** The current row, created unheld with `tokenFloor` where there was none. Linearizable. */
  read(duty: DutyName, tokenFloor: FencingToken): Promise<DutyRow>;
  /** Takes the duty from exactly the row that was observed. */
  take(observed: DutyRow, next: Pick<DutyRow, 'token' | 'holder' | 'nonce'>): Promise<Swap<DutyRow>>;
  /** Proves that the tenure still stands; not applied means it is over, at once. */
  renew(held: DutyRow): Promise<Swap<DutyRow>>;
  release(held: DutyRow): Promise<void>;
}

/** Two tenures never share a token. */
export function assertRaisesToken(observed: DutyRow, next: Pick<DutyRow, 'token'>): void {
  if (next.token > observed.token) return;
  throw new RangeError(`taking ${observed.duty} must raise its token: ${observed.token} to ${next.token}`);
}

/** Whether the tenure that `held` proves has not ended. */
export function isStillHeld(held: DutyRow, current: DutyRow | undefined): current is DutyRow {
  return current?.token === held.token && current.nonce === held.nonce && held.nonce !== '';
}

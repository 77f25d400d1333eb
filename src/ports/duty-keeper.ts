import type { DutyName, DutyRow } from '../domain/duty.ts';
import type { FencingToken } from '../domain/fencing-token.ts';
import type { MemberId } from '../domain/member.ts';
import type { Swap } from './store-error.ts';

/** Hands a duty from holder to holder by compare-and-set. Time plays no part here: who may try, and when, is the caller's. */
export interface DutyKeeper {
  /** The current row, created unheld with `tokenFloor` where there was none. Linearizable. */
  read(duty: DutyName, tokenFloor: FencingToken): Promise<DutyRow>;
  /** Takes the duty from exactly the row that was observed. */
  take(observed: DutyRow, next: { token: FencingToken; holder: MemberId; nonce: string }): Promise<Swap<DutyRow>>;
  /** Proves that the tenure still stands; not applied means it is over, at once. */
  renew(held: DutyRow): Promise<Swap<DutyRow>>;
  release(held: DutyRow): Promise<void>;
}

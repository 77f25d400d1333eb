import type { FencingToken } from './fencing-token.ts';
import type { MemberId } from './member.ts';

/** A job that one member does for all. */
export type DutyName = 'discovery' | 'sweep';

/** The durable row of a duty. `holder` is empty while it is free; `renewals` grows with every renewal of one tenure. */
export interface DutyRow {
  readonly duty: DutyName;
  readonly token: FencingToken;
  readonly holder: MemberId | '';
  readonly nonce: string;
  readonly renewals: number;
}

import type { MemberRow } from '../domain/member.ts';

/** Says that I am alive, and lists what all have said. Rows clean themselves up; their age decides nothing. */
export interface Roster {
  beat(row: MemberRow): Promise<void>;
  list(): Promise<MemberRow[]>;
}

/** One running autoscaler process. A restart is a new member: nothing is keyed by host name alone. */
export type MemberId = string;

export type MemberState = 'active' | 'leaving' | 'left';

/** What a member says of itself; `beat` is a plain counter that others watch on their own monotonic clock. */
export interface MemberRow {
  readonly memberId: MemberId;
  readonly beat: number;
  readonly state: MemberState;
  readonly version: string;
  /** Where its admin API answers, for people who follow a pointer; empty when it serves none. */
  readonly address: string;
  readonly weight: number;
}

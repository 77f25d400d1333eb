import type { MemberId, MemberRow } from '../domain/member.ts';
import type { WeightedMember } from './assign.ts';

export interface RosterWatchOptions {
  readonly me: WeightedMember;
  /** Without a new beat for this long, and over `QUIET_POLLS_MIN` polls of mine, a member is dead. */
  readonly deadAfterMs: number;
  /** Longer than this between two successful polls of mine, and nothing that I did not see counts against anybody. */
  readonly selfStopMs: number;
  /** From my first beat to my first share, so that the others have seen me come. */
  readonly joinWaitMs: number;
}

const QUIET_POLLS_MIN = 3;

export interface RosterView {
  /** Who shares the work, ordered by id. The same array as before while nothing has changed. */
  readonly members: readonly WeightedMember[];
  /** Whether I have watched for long enough to act on it. */
  readonly isSettled: boolean;
}

interface Watched {
  row: MemberRow;
  changedMs: number;
  quietPolls: number;
  /** Whether its counter was seen to move, or its row to appear, while I was looking. */
  isProven: boolean;
}

/**
 * Who is alive, judged by counters that move, on my own monotonic clock; no two machines compare their clocks, and no
 * row's age in the store plays a part.
 *
 * A store outage counts against no member: after a gap in my own polls all timers start anew, and while my own beats are not taken the
 * silence of others proves nothing. A row that I first meet after a gap, or at my start, proves nothing (it may be the last word of a dead member) and counts once its counter moves, which takes a live
 * member a second. Members that say they are leaving are out at once.
 */
export class RosterWatch {
  readonly #options: RosterWatchOptions;
  readonly #watched = new Map<MemberId, Watched>();
  #members: readonly WeightedMember[] = [];
  #polls = 0;
  #lastPollMs: number | undefined;
  #restartedMs = 0;
  #firstBeatMs: number | undefined;
  #lastBeatMs: number | undefined;
  /** When another member was last seen to beat while I could not. */
  #othersMovedMs = Number.NEGATIVE_INFINITY;
  #isLeaving = false;

  constructor(options: RosterWatchOptions) {
    this.#options = options;
  }

  /** A beat of mine was acknowledged; it counts from when it was sent. */
  beaten(beganMs: number): void {
    this.#firstBeatMs ??= beganMs;
    this.#lastBeatMs = Math.max(this.#lastBeatMs ?? beganMs, beganMs);
  }

  /** From now on I am no member in my own eyes either. */
  leave(): void {
    this.#isLeaving = true;
  }

  /** A poll of mine has succeeded. Only polls change the view: while I see nothing, it stays as it was. */
  polled(rows: readonly MemberRow[], nowMs: number): RosterView {
    const isMute = this.#isMute(nowMs);
    const hasGap = this.#lastPollMs === undefined || nowMs - this.#lastPollMs > this.#options.selfStopMs;
    if (hasGap) this.#restartedMs = nowMs;
    const isAfterGap = hasGap || isMute;
    if (isAfterGap) this.#restart(nowMs);
    this.#lastPollMs = nowMs;
    this.#polls += 1;
    const present = new Set<MemberId>();
    for (const row of rows) {
      if (row.memberId === this.#options.me.memberId) continue;
      present.add(row.memberId);
      const hasMoved = this.#see(row, { nowMs, isAfterGap });
      if (hasMoved && isMute) this.#othersMovedMs = nowMs;
    }
    for (const [memberId, watched] of this.#watched) {
      if (present.has(memberId)) continue;
      // The store has dropped its row; that is no sign of death, but no sign of life either.
      watched.quietPolls += 1;
      if (!this.#isAlive(watched, nowMs)) this.#watched.delete(memberId);
    }
    return this.#view(nowMs);
  }

  /** A store that does not take my beats may take none at all. */
  #isMute(nowMs: number): boolean {
    return this.#lastBeatMs !== undefined && nowMs - this.#lastBeatMs > this.#options.selfStopMs;
  }

  #restart(nowMs: number): void {
    for (const watched of this.#watched.values()) {
      watched.changedMs = nowMs;
      watched.quietPolls = 0;
    }
  }

  #see(row: MemberRow, poll: { nowMs: number; isAfterGap: boolean }): boolean {
    const watched = this.#watched.get(row.memberId);
    if (!watched) {
      this.#watched.set(row.memberId, { row, changedMs: poll.nowMs, quietPolls: 0, isProven: !poll.isAfterGap });
      return false;
    }
    const hasMoved = row.beat > watched.row.beat;
    if (hasMoved) {
      watched.changedMs = poll.nowMs;
      watched.quietPolls = 0;
      watched.isProven = true;
    } else if (!poll.isAfterGap) watched.quietPolls += 1;
    // A beat that was overtaken on its way brings back an older row: not a sign of life, and not news.
    if (row.beat >= watched.row.beat) watched.row = row;
    return hasMoved;
  }

  #isAlive(watched: Watched, nowMs: number): boolean {
    if (!watched.isProven || watched.row.state !== 'active') return false;
    return nowMs - watched.changedMs < this.#options.deadAfterMs || watched.quietPolls < QUIET_POLLS_MIN;
  }

  #view(nowMs: number): RosterView {
    const alive = [...this.#watched.values()].filter((watched) => this.#isAlive(watched, nowMs));
    const members: WeightedMember[] = alive.map(({ row: { memberId, weight } }) => ({ memberId, weight }));
    if (this.#amIn(nowMs)) members.push(this.#options.me);
    members.sort((one, other) => (one.memberId < other.memberId ? -1 : 1));
    if (!areSame(members, this.#members)) this.#members = members;
    const hasJoined = this.#firstBeatMs !== undefined && nowMs - this.#firstBeatMs >= this.#options.joinWaitMs;
    return { members: this.#members, isSettled: hasJoined && this.#polls >= 2 };
  }

  /**
   * The others will have dropped me by the time that my own beats have gone unanswered for so long. Those of them who can
   * beat, that is: where none can, none takes my place.
   */
  #amIn(nowMs: number): boolean {
    if (this.#isLeaving || this.#lastBeatMs === undefined) return false;
    if (nowMs - Math.max(this.#lastBeatMs, this.#restartedMs) < this.#options.deadAfterMs) return true;
    return this.#isMute(nowMs) && this.#othersMovedMs <= this.#lastBeatMs + this.#options.selfStopMs;
  }
}

function areSame(some: readonly WeightedMember[], others: readonly WeightedMember[]): boolean {
  return (
    some.length === others.length &&
    some.every(
      ({ memberId, weight }, index) => memberId === others[index]?.memberId && weight === others[index]?.weight,
    )
  );
}

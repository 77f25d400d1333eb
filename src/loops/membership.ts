import type { Bucket } from '../domain/bucket.ts';
import type { MemberId, MemberRow, MemberState } from '../domain/member.ts';
import type { Roster } from '../ports/roster.ts';
import { assignBuckets, bucketsOf, compareShares, type WeightedMember } from '../sharding/assign.ts';
import { denialOf, type Moment } from '../sharding/rights.ts';
import { RosterWatch } from '../sharding/roster-watch.ts';
import type { MemberParts } from './member-parts.ts';

/** Named as in the configuration, where each is explained. */
export interface BeatSettings {
  readonly membership: {
    readonly beatMs: number;
    readonly deadAfterMs: number;
    /** Without an acknowledged beat for this long nothing is sent. */
    readonly selfStopMs: number;
    readonly joinWaitMs: number;
  };
}

export interface MembershipOptions
  extends Pick<MemberParts, 'memberId' | 'version' | 'address' | 'weight' | 'clock' | 'logger' | 'meters'> {
  readonly roster: Roster;
  readonly settings: BeatSettings;
  /** My buckets are others than before, or I may begin on them only now. */
  readonly onShareChanged: () => void;
  readonly onMembersChanged: (count: number) => void;
}

const NONE: readonly Bucket[] = [];

/** Says that I am alive, watches who else is, and knows which buckets that makes mine and whether I may act on them. */
export class Membership {
  readonly #options: MembershipOptions;
  readonly #watch: RosterWatch;
  #beats = 0;
  #state: MemberState = 'active';
  #beatBegan: Moment | undefined;
  #timeBrokeMs: number | undefined;
  #isSettled = false;
  #rows: readonly MemberRow[] = [];
  #alive: ReadonlySet<MemberId> = new Set();
  #owners: readonly (MemberId | undefined)[] = [];
  #owned: readonly Bucket[] = [];
  #served: readonly Bucket[] = NONE;

  constructor(options: MembershipOptions) {
    this.#options = options;
    const { memberId, weight, settings } = options;
    this.#watch = new RosterWatch({ me: { memberId, weight }, ...settings.membership });
  }

  /** One beat and one look around; either may fail without the other. */
  async activate(): Promise<void> {
    const [beaten, polled] = await Promise.allSettled([this.#beat(), this.#poll()]);
    if (beaten.status === 'rejected') throw beaten.reason;
    if (polled.status === 'rejected') throw polled.reason;
  }

  /** The buckets that the newest view gives me. */
  owned(): readonly Bucket[] {
    return this.#owned;
  }

  owns(bucket: Bucket): boolean {
    return this.#owners[bucket] === this.#options.memberId;
  }

  ownerOf(bucket: Bucket): MemberId | undefined {
    return this.#owners[bucket];
  }

  members(): readonly (MemberRow & { readonly isAlive: boolean })[] {
    return this.#rows.map((row) => ({ ...row, isAlive: this.#alive.has(row.memberId) }));
  }

  /** Others have had the time to see me, so my share is not theirs any more. */
  hasJoined(): boolean {
    return this.#isSettled && this.#state === 'active';
  }

  mayAct(bucket: Bucket): boolean {
    const { meters, settings } = this.#options;
    const conditions = {
      beatBegan: this.#beatBegan,
      timeBrokeMs: this.#timeBrokeMs,
      isLeaving: this.#state !== 'active',
      isMine: this.owns(bucket),
    };
    const denial = denialOf(conditions, this.#now(), settings.membership);
    if (denial) meters.add('starling_holds_total', 1, { reason: denial });
    return denial === undefined;
  }

  /** Everything that was proven is in doubt; the next acknowledged beat brings the right to act back. */
  timeBroke(): void {
    this.#timeBrokeMs = this.#options.clock.monotonicMs();
  }

  /** Announces it at once, so that the others they take over within a poll. */
  async leave(state: Exclude<MemberState, 'active'>): Promise<void> {
    this.#state = state;
    this.#watch.leave();
    await this.#beat();
  }

  async #beat(): Promise<void> {
    const { memberId, version, address, weight, roster } = this.#options;
    const began = this.#now();
    this.#beats += 1;
    await roster.beat({ memberId, beat: this.#beats, state: this.#state, version, address, weight });
    this.#beatBegan = began;
    this.#watch.beaten(began.monotonicMs);
  }

  async #poll(): Promise<void> {
    const rows = await this.#options.roster.list();
    const view = this.#watch.polled(rows, this.#options.clock.monotonicMs());
    this.#rows = rows;
    const hasSettled = view.isSettled && !this.#isSettled;
    this.#isSettled = view.isSettled;
    const alive = new Set(view.members.map((member) => member.memberId));
    this.#options.meters.set('starling_members', alive.size);
    const areSame = alive.size === this.#alive.size && [...alive].every((memberId) => this.#alive.has(memberId));
    if (!areSame) this.#take(view.members, alive);
    this.#measure();
    if (!areSame || hasSettled) this.#options.onShareChanged();
  }

  /** While joining, what the first view gives me still belongs to others: it is neither served nor moved. */
  #measure(): void {
    const { meters } = this.#options;
    const served = this.hasJoined() ? this.#owned : NONE;
    if (served === this.#served && served !== NONE) return;
    const { gained, lost } = compareShares(this.#served, served);
    this.#served = served;
    meters.set('starling_buckets_owned', served.length);
    meters.add('starling_bucket_moves_total', gained.length, { direction: 'gained' });
    meters.add('starling_bucket_moves_total', lost.length, { direction: 'lost' });
  }

  /** Goes by a new view of who is alive. */
  #take(members: readonly WeightedMember[], alive: ReadonlySet<MemberId>): void {
    const { memberId, logger, onMembersChanged } = this.#options;
    this.#alive = alive;
    this.#owners = assignBuckets(members);
    const before = this.#owned;
    this.#owned = bucketsOf(this.#owners, memberId);
    const { gained, lost } = compareShares(before, this.#owned);
    const counts = { gained: gained.length, lost: lost.length, owned: this.#owned.length };
    logger.info({ event: 'members.changed', members: [...alive], ...counts }, 'the share of this member changed');
    onMembersChanged(Math.max(1, alive.size));
  }

  #now(): Moment {
    const { clock } = this.#options;
    return { monotonicMs: clock.monotonicMs(), wallMs: clock.wallMs() };
  }
}

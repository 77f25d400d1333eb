import type { DutyName, DutyRow } from '../domain/duty.ts';
import { type FencingToken, nextToken } from '../domain/fencing-token.ts';
import type { MemberId } from '../domain/member.ts';
import type { DutyKeeper } from '../ports/duty-keeper.ts';
import { Tenure, type TenureOptions } from '../sharding/tenure.ts';
import type { MemberParts } from './member-parts.ts';

/** Named as in the configuration, where each is explained. */
export interface TendSettings {
  readonly discovery: TenureOptions & {
    /** Spread of the pause before a silent holder is replaced, so that followers do not all reach at once. */
    readonly jitterMs: number;
  };
}

export interface DutyOptions extends Pick<MemberParts, 'memberId' | 'clock' | 'random' | 'logger' | 'meters'> {
  readonly name: DutyName;
  readonly keeper: DutyKeeper;
  readonly settings: TendSettings;
  readonly onWon: () => void;
}

/** Work is begun only on a tenure proven within so many periods of renewal. */
const PROVEN_PERIODS = 2;

/** My part in one duty: watch who has it, take it when it is free, and prove again and again that it is still mine. */
export class Duty {
  readonly #options: DutyOptions;
  readonly #tenure: Tenure;

  constructor(options: DutyOptions) {
    this.#options = options;
    this.#tenure = new Tenure(options.settings.discovery);
  }

  /** The token to work under; undefined when the duty is not mine, or not surely. */
  heldToken(): FencingToken | undefined {
    const { clock, settings } = this.#options;
    const provenWithinMs = settings.discovery.dutyRenewMs * PROVEN_PERIODS;
    return this.#tenure.isProven(clock.monotonicMs(), provenWithinMs) ? this.#tenure.row?.token : undefined;
  }

  /** Not mine any more, or never was; while a renewal is late it is not over yet. */
  isOver(): boolean {
    return this.#tenure.row === undefined;
  }

  holder(): MemberId | '' | undefined {
    return this.#tenure.row?.holder ?? this.#tenure.seen?.holder;
  }

  async activate(): Promise<void> {
    const nowMs = this.#options.clock.monotonicMs();
    if (this.#tenure.isRenewalDue(nowMs)) await this.#renew();
    else if (this.#tenure.stateAt(nowMs) === 'vacant' || this.#tenure.stateAt(nowMs) === 'lost')
      await this.#watchAndTake();
    const { name, meters } = this.#options;
    meters.set('starling_duty_held', this.heldToken() === undefined ? 0 : 1, { duty: name });
  }

  /** All rights are in doubt: what was proven before does not count. */
  timeBroke(): void {
    this.#tenure.drop();
  }

  async release(): Promise<void> {
    const row = this.#tenure.row;
    this.#tenure.drop();
    if (row) await this.#options.keeper.release(row);
  }

  async #renew(): Promise<void> {
    const { keeper, clock } = this.#options;
    const row = this.#tenure.row;
    if (!row) return;
    const beganMs = clock.monotonicMs();
    this.#tenure.trying(beganMs);
    const swap = await keeper.renew(row);
    if (swap.outcome === 'applied') this.#tenure.renewed(swap.row, { beganMs, nowMs: clock.monotonicMs() });
    else this.#lose(swap.row);
  }

  async #watchAndTake(): Promise<void> {
    const { name, memberId, keeper, clock, random, logger } = this.#options;
    const row = await keeper.read(name, nextToken(undefined, clock.wallMs()));
    this.#tenure.observed(row, { nowMs: clock.monotonicMs(), jitterMs: this.#jitter() });
    const seen = this.#tenure.seen;
    if (!seen || !this.#tenure.mayTake(clock.monotonicMs())) return;
    const beganMs = clock.monotonicMs();
    const token = nextToken(seen.token, clock.wallMs());
    const swap = await keeper.take(seen, { token, holder: memberId, nonce: random.uuid() });
    if (swap.outcome === 'lost') {
      this.#tenure.refused(swap.row, { nowMs: clock.monotonicMs(), jitterMs: this.#jitter() });
      return;
    }
    this.#tenure.won(swap.row, beganMs);
    logger.info({ event: 'duty.won', duty: name, token: swap.row.token }, `this member has the ${name} duty`);
    this.#options.onWon();
  }

  #lose(current: DutyRow | undefined): void {
    const { name, clock, logger } = this.#options;
    this.#tenure.refused(current, { nowMs: clock.monotonicMs(), jitterMs: this.#jitter() });
    logger.warn({ event: 'duty.lost', duty: name, holder: current?.holder }, `another member has the ${name} duty`);
  }

  #jitter(): number {
    return this.#options.random.next() * this.#options.settings.discovery.jitterMs;
  }
}

import type { DutyRow } from '../domain/duty.ts';

/**
 * ```
 *            won                    no proof for 3.5 s
 * vacant ───────────▶ held ◀──────────────────────────────────▶ doubtful
 *   ▲                   │              renewed                     │
 *   │ observed          │ refused, released        refused, or no proof for dutyStopMs
 *   └──────── lost ◀────┴──────────────────────────────────────────┘
 * ```
 * *Vacant*: not mine; I watch the row. *Held*: I may work. *Doubtful*: a renewal is overdue; I renew and begin nothing new.
 * *Lost*: it is over, whether the row says so yet or not.
 */
export type TenureState = 'vacant' | 'held' | 'doubtful' | 'lost';

export interface TenureOptions {
  readonly dutyRenewMs: number;
  /** The holder stops itself this long after it sent the last renewal that was acknowledged. */
  readonly dutyStopMs: number;
  /** Others may try only later than that, and each after a jitter of its own. */
  readonly dutyExpireMs: number;
}

/** Longer than one period of renewal and its statement. */
const DOUBT_AFTER_MS = 3500;

/**
 * My side of one duty. Time only decides when a member may *try*: what decides is the compare-and-set on the row. All
 * moments are of my own monotonic clock, and a proof counts from when it was sent, not from when it was answered.
 */
export class Tenure {
  readonly #options: TenureOptions;
  /** The row as last seen, and since when it has stood like that. */
  #seen: { row: DutyRow; sinceMs: number; jitterMs: number } | undefined;
  #mine: { row: DutyRow; provenMs: number; triedMs: number } | undefined;
  /** The nonce of my last tenure: a row that still shows it has no living holder. */
  #myLastNonce = '';
  #isLost = false;

  constructor(options: TenureOptions) {
    const { dutyStopMs, dutyExpireMs } = options;
    if (dutyStopMs >= dutyExpireMs) {
      throw new RangeError(`a holder must stop (${dutyStopMs} ms) before others may start (${dutyExpireMs} ms)`);
    }
    this.#options = options;
  }

  stateAt(nowMs: number): TenureState {
    if (!this.#mine) return this.#isLost ? 'lost' : 'vacant';
    const age = nowMs - this.#mine.provenMs;
    if (age >= this.#options.dutyStopMs) return 'lost';
    return age >= DOUBT_AFTER_MS ? 'doubtful' : 'held';
  }

  /** The row under which I work or did last; what `renew` and `release` ask for. */
  get row(): DutyRow | undefined {
    return this.#mine?.row;
  }

  /** The row as last seen, with any holder; what `take` asks for. */
  get seen(): DutyRow | undefined {
    return this.#seen?.row;
  }

  /** I read the row while I did not hold it. `jitterMs` is drawn anew by the caller and kept while the row stands still. */
  observed(row: DutyRow, at: { nowMs: number; jitterMs: number }): void {
    if (this.#mine && this.stateAt(at.nowMs) !== 'lost') return;
    this.#mine = undefined;
    this.#isLost = false;
    const before = this.#seen?.row;
    const isStill = before?.token === row.token && before.nonce === row.nonce && before.renewals === row.renewals;
    if (!isStill) this.#seen = { row, sinceMs: at.nowMs, jitterMs: at.jitterMs };
  }

  /** Whether I may try to take the row as last seen: it is free, or its holder has been silent for too long. */
  mayTake(nowMs: number): boolean {
    if (!this.#seen || (this.#mine && this.stateAt(nowMs) !== 'lost')) return false;
    const { row, sinceMs, jitterMs } = this.#seen;
    if (row.holder === '') return true;
    if (row.nonce !== '' && row.nonce === this.#myLastNonce) return true;
    return nowMs - sinceMs >= this.#options.dutyExpireMs + jitterMs;
  }

  /** I took it; `beganMs` is when the taking was sent. */
  won(row: DutyRow, beganMs: number): void {
    this.#mine = { row, provenMs: beganMs, triedMs: beganMs };
    this.#myLastNonce = row.nonce;
    this.#isLost = false;
    this.#seen = { row, sinceMs: beganMs, jitterMs: 0 };
  }

  isRenewalDue(nowMs: number): boolean {
    const state = this.stateAt(nowMs);
    if (!this.#mine || (state !== 'held' && state !== 'doubtful')) return false;
    return nowMs - this.#mine.triedMs >= this.#options.dutyRenewMs;
  }

  /** A renewal was sent and is not answered yet. */
  trying(beganMs: number): void {
    if (this.#mine) this.#mine.triedMs = beganMs;
  }

  /** A renewal was acknowledged. One that comes back after I had to stop does not bring the tenure back. */
  renewed(row: DutyRow, at: { beganMs: number; nowMs: number }): void {
    if (!this.#mine || this.stateAt(at.nowMs) === 'lost') return;
    this.#mine = { row, provenMs: Math.max(this.#mine.provenMs, at.beganMs), triedMs: at.beganMs };
  }

  /** A taking or a renewal was not applied: the row is another member's, from this moment. */
  refused(current: DutyRow | undefined, at: { nowMs: number; jitterMs: number }): void {
    this.drop();
    if (current) this.#seen = { row: current, sinceMs: at.nowMs, jitterMs: at.jitterMs };
  }

  /** I gave it up, or all my rights are in doubt because time broke: nothing is proven any more. */
  drop(): void {
    this.#isLost ||= this.#mine !== undefined;
    this.#mine = undefined;
    this.#seen = undefined;
  }

  /** Whether the tenure was proven this recently; asked before each piece of work. */
  isProven(nowMs: number, withinMs: number): boolean {
    return this.#mine !== undefined && nowMs - this.#mine.provenMs <= Math.min(withinMs, this.#options.dutyStopMs - 1);
  }
}

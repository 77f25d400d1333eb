import type { Actuation } from '../../domain/actuation.ts';
import type { Bucket } from '../../domain/bucket.ts';
import type { Decision } from '../../domain/decision.ts';
import { type FencingToken, nextToken } from '../../domain/fencing-token.ts';
import type { Claim, FunctionState, Settlement } from '../../domain/function-state.ts';
import type { MemberId } from '../../domain/member.ts';
import type { Clock } from '../../lib/clock.ts';
import { forEachLimited } from '../../lib/limiter.ts';
import type { Random } from '../../lib/random.ts';
import { type Actuator, NotAdmitted } from '../../ports/actuator.ts';
import type { StateKeeper } from '../../ports/state-keeper.ts';
import type { Meters } from '../../telemetry/meters.ts';
import type { RareLog } from '../../telemetry/rare-log.ts';
import type { Tracked } from './tracked.ts';

export interface ActOptions {
  readonly memberId: MemberId;
  readonly states: StateKeeper;
  readonly actuator: Actuator;
  readonly clock: Clock;
  readonly random: Random;
  readonly rareLog: RareLog;
  readonly meters: Meters;
  /** Heartbeat fresh, bucket mine, no time break: asked before the claim and again right before sending. */
  readonly mayAct: (bucket: Bucket) => boolean;
  /** Small JSON for the next owner. */
  readonly memoOf: (tracked: Tracked) => string;
  readonly onActed: (tracked: Tracked, decision: Decision, actuation: Actuation) => void;
  /** From the start of the claim: nothing is sent later under it. */
  readonly claimDeadlineMs: number;
  /** How long a pending claim of somebody else is respected where the control plane checks no tokens. */
  readonly claimHoldMs: number;
  /** A decision that waited longer than this for its turn is dropped: the next cycle makes a better one. */
  readonly staleAfterMs: number;
  readonly bucketsAtOnce: number;
  /** After a failed wish, per version; doubles up to the longest. */
  readonly retryDelayMs: number;
  readonly retryDelayMaxMs: number;
  readonly goneDelayMaxMs: number;
}

export interface Change {
  readonly tracked: Tracked;
  readonly decision: Decision;
}

/** The first pause for a version that the control plane does not know; it will hardly appear within seconds. */
const GONE_DELAY_MS = 60_000;

/**
 * Makes decisions true: per bucket one claim for all its changes, a PUT each, one settlement. The claim is the lock, the
 * write-ahead record and the fence; nothing is remembered as done that the control plane did not accept.
 */
export class Act {
  readonly #options: ActOptions;

  constructor(options: ActOptions) {
    this.#options = options;
  }

  async run(changes: readonly Change[], signal: AbortSignal): Promise<void> {
    const real = changes.filter((change) => !this.#isOnlyShown(change));
    const byBucket = Map.groupBy(real, ({ tracked }) => tracked.version.bucket);
    await forEachLimited(byBucket, this.#options.bucketsAtOnce, async ([bucket, ofBucket]) => {
      try {
        await this.#change(bucket, ofBucket, signal);
      } catch (error) {
        if (signal.aborted) return;
        this.#options.rareLog.write(
          'warn',
          'act',
          { event: 'actuation.postponed', bucket, err: error },
          'left for the next cycle',
        );
        this.#options.meters.add('starling_actuations_postponed_total', ofBucket.length, { why: 'store' });
      }
    });
  }

  async #change(bucket: Bucket, changes: readonly Change[], signal: AbortSignal): Promise<void> {
    const { clock, states } = this.#options;
    const ready = changes.filter((change) => this.#isReady(change.tracked));
    const admitted = await this.#admitted(ready, signal);
    const current = admitted.filter(({ decision }) => clock.wallMs() - decision.atMs <= this.#options.staleAfterMs);
    if (current.length === 0 || !this.#options.mayAct(bucket)) return;

    const deadlineMs = clock.monotonicMs() + this.#options.claimDeadlineMs;
    const claims = current.map((change) => this.#claimOf(change));
    const claimed = await this.#claim(bucket, current, claims);
    const settlements = await Promise.all(
      claimed.map(async ({ change, claim }) =>
        this.#settlementOf(change, claim, await this.#send(change, claim, { bucket, deadlineMs })),
      ),
    );
    if (settlements.length === 0) return;
    const results = await states.settle(bucket, settlements);
    for (const result of results) {
      const tracked = claimed.find(({ claim }) => claim.versionId === result.versionId)?.change.tracked;
      // Superseded or fenced: somebody newer owns it. Unknown: the claim may still stand as pending. Look again.
      if (tracked && (result.outcome !== 'settled' || tracked.state?.outcome === 'fenced'))
        await this.#lookAgain(bucket, tracked);
    }
  }

  /** Waiting for the rate limit comes before the claim: a claim must not grow old in a queue. */
  async #admitted(changes: readonly Change[], signal: AbortSignal): Promise<Change[]> {
    const admitted: Change[] = [];
    for (const change of changes) {
      try {
        await this.#options.actuator.admit(signal, change.decision.verdict === 'raise' ? 'raise' : 'lower');
        admitted.push(change);
      } catch (error) {
        if (!(error instanceof NotAdmitted)) throw error;
        this.#options.meters.add('starling_actuations_postponed_total', 1, { why: 'not-admitted' });
      }
    }
    return admitted;
  }

  /** In a dry run nothing is claimed and nothing sent; the same wish is told once, not every cycle. */
  #isOnlyShown({ tracked, decision }: Change): boolean {
    const { actuator, onActed } = this.#options;
    if (!actuator.isDryRun(tracked.version)) return false;
    if (tracked.dryWanted !== decision.wanted) onActed(tracked, decision, DRY_RUN);
    tracked.dryWanted = decision.wanted;
    return true;
  }

  #isReady(tracked: Tracked): boolean {
    const { clock, actuator, claimHoldMs, memberId } = this.#options;
    const nowMs = clock.monotonicMs();
    if (nowMs < tracked.notBeforeMs) return false;
    const { state } = tracked;
    if (actuator.strength === 'fenced' || state?.phase !== 'pending' || state.holder === memberId) return true;
    // The other one's PUT may still be on its way to a control plane that would not refuse it after ours.
    if (tracked.pendingSince?.token !== state.token) tracked.pendingSince = { token: state.token, atMs: nowMs };
    return nowMs - tracked.pendingSince.atMs >= claimHoldMs;
  }

  #claimOf({ tracked, decision }: Change): Claim {
    const { clock, random, memberId, memoOf } = this.#options;
    const wallMs = clock.wallMs();
    return {
      versionId: tracked.version.versionId,
      observed: tracked.state?.token,
      // A control plane that has seen a higher token than our store (a restored backup) is overtaken, not fought.
      token: nextToken(greater(tracked.state?.token, tracked.fencedBy), wallMs),
      nonce: random.uuid(),
      holder: memberId,
      wanted: decision.wanted ?? 0,
      previous: decision.previous,
      reason: decision.reasons.map((reason) => reason.code).join(' '),
      claimedMs: wallMs,
      memo: memoOf(tracked),
    };
  }

  async #claim(bucket: Bucket, changes: readonly Change[], claims: readonly Claim[]) {
    const { states, meters } = this.#options;
    const results = await states.claim(bucket, claims);
    const claimed: Array<{ change: Change; claim: Claim }> = [];
    for (const [index, claim] of claims.entries()) {
      const change = changes[index];
      const result = results.find((each) => each.versionId === claim.versionId);
      if (!change || !result) continue;
      meters.add('starling_claims_total', 1, { outcome: result.outcome });
      switch (result.outcome) {
        case 'applied':
          change.tracked.state = pendingState(bucket, claim, change.tracked.state);
          claimed.push({ change, claim });
          break;
        case 'lost':
          change.tracked.state = result.current;
          break;
        case 'unknown':
          await this.#lookAgain(bucket, change.tracked);
          break;
        default:
          result satisfies never;
      }
    }
    return claimed;
  }

  async #send(
    { tracked }: Change,
    claim: Claim,
    { bucket, deadlineMs }: { bucket: Bucket; deadlineMs: number },
  ): Promise<Actuation> {
    const { clock, actuator, mayAct } = this.#options;
    // A process that stood still between claim and PUT finds out here.
    if (!mayAct(bucket) || clock.monotonicMs() >= deadlineMs) return NOT_SENT;
    const { account, functionId, versionId } = tracked.version;
    // No abort here: what is claimed is sent and settled, also while stopping; the deadline bounds it.
    return actuator.actuate(
      { account, functionId, versionId, wanted: claim.wanted, token: claim.token, decidedMs: claim.claimedMs },
      { deadlineMs },
    );
  }

  #settlementOf({ tracked, decision }: Change, claim: Claim, actuation: Actuation): Settlement {
    const isApplied = actuation.outcome === 'applied' || actuation.outcome === 'already-so';
    this.#backOff(tracked, actuation, isApplied);
    if (actuation.outcome === 'fenced') tracked.fencedBy = actuation.storedToken;
    const before = tracked.state;
    const settlement: Settlement = {
      versionId: claim.versionId,
      token: claim.token,
      nonce: claim.nonce,
      applied: isApplied ? claim.wanted : before?.applied,
      appliedToken: isApplied ? claim.token : (before?.appliedToken ?? 0n),
      outcome: actuation.outcome,
      settledMs: this.#options.clock.wallMs(),
      memo: claim.memo,
    };
    if (before) tracked.state = { ...before, ...settlement, phase: 'settled' };
    this.#options.meters.add('starling_actuations_total', 1, { outcome: actuation.outcome });
    this.#options.onActed(tracked, decision, actuation);
    return settlement;
  }

  #backOff(tracked: Tracked, actuation: Actuation, isApplied: boolean): void {
    if (isApplied) {
      tracked.failures = 0;
      tracked.notBeforeMs = 0;
      return;
    }
    tracked.failures += 1;
    const { clock, random, retryDelayMs, retryDelayMaxMs, goneDelayMaxMs } = this.#options;
    const [firstMs, lastMs] = actuation.isGone ? [GONE_DELAY_MS, goneDelayMaxMs] : [retryDelayMs, retryDelayMaxMs];
    const grownMs = Math.min(lastMs, firstMs * 2 ** Math.min(tracked.failures - 1, 10));
    const jitteredMs = grownMs * (0.5 + random.next() / 2);
    tracked.notBeforeMs = clock.monotonicMs() + Math.max(jitteredMs, actuation.retryAfterMs ?? 0);
  }

  /** Reads the row the linearizable way: what was in flight is finished or dead afterwards. */
  async #lookAgain(bucket: Bucket, tracked: Tracked): Promise<void> {
    tracked.state = await this.#options.states.readOne(bucket, tracked.version.versionId);
  }
}

function greater(a: FencingToken | undefined, b: FencingToken | undefined): FencingToken | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return a > b ? a : b;
}

const NOT_SENT: Actuation = {
  outcome: 'failed',
  status: undefined,
  detail: 'not sent: the right to act, or the claim, ran out first',
  isGone: false,
  retryAfterMs: undefined,
  storedToken: undefined,
  instancesActive: undefined,
  instancesPending: undefined,
};

const DRY_RUN: Actuation = { ...NOT_SENT, outcome: 'dry-run', detail: 'dry run: not sent' };

function pendingState(bucket: Bucket, claim: Claim, before: FunctionState | undefined): FunctionState {
  return {
    bucket,
    versionId: claim.versionId,
    token: claim.token,
    nonce: claim.nonce,
    phase: 'pending',
    holder: claim.holder,
    wanted: claim.wanted,
    previous: claim.previous,
    reason: claim.reason,
    claimedMs: claim.claimedMs,
    applied: before?.applied,
    appliedToken: before?.appliedToken ?? 0n,
    outcome: '',
    settledMs: 0,
    memo: claim.memo,
  };
}

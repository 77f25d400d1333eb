import { type Actuation, actuation } from '../../domain/actuation.ts';
import type { Bucket } from '../../domain/bucket.ts';
import type { Decision } from '../../domain/decision.ts';
import { higherToken, nextToken } from '../../domain/fencing-token.ts';
import {
  type Claim,
  type FunctionState,
  pendingRow,
  type Settlement,
  settlementOf,
} from '../../domain/function-state.ts';
import { errorText } from '../../lib/error-text.ts';
import { Limiter } from '../../lib/limiter.ts';
import { NotAdmitted } from '../../ports/actuator.ts';
import type { StateKeeper } from '../../ports/state-keeper.ts';
import type { RareLog } from '../../telemetry/rare-log.ts';
import type { MemberParts } from '../member-parts.ts';
import { writeMemo } from './memo.ts';
import { adoptRow, type Tracked } from './tracked.ts';

/** Named as in the configuration, where each is explained. */
export interface ActSettings {
  readonly scaling: {
    readonly intervalMs: number;
    readonly actuationConcurrency: number;
    /** How long another member's pending claim is respected where the control plane checks no tokens. */
    readonly claimHoldMs: number;
    /** From the start of the claim: nothing is sent later under it. */
    readonly claimDeadlineMs: number;
    /** After a failed wish, per version; doubles up to the longest. */
    readonly retryDelayMs: number;
    readonly retryDelayMaxMs: number;
    readonly goneDelayMaxMs: number;
  };
}

export interface ActOptions extends Pick<MemberParts, 'memberId' | 'actuator' | 'clock' | 'random' | 'meters'> {
  readonly states: StateKeeper;
  readonly rareLog: RareLog;
  /** Heartbeat fresh, bucket mine, no time break: asked before the claim and again right before sending. */
  readonly mayAct: (bucket: Bucket) => boolean;
  readonly onActed: (tracked: Tracked, decision: Decision, actuation: Actuation) => void;
  readonly settings: ActSettings;
}

export interface Change {
  readonly tracked: Tracked;
  readonly decision: Decision;
}

/** A claim that is mine, and the row that it replaced. */
interface Claimed {
  readonly change: Change;
  readonly claim: Claim;
  readonly before: FunctionState | undefined;
}

/** The first pause for a version that the control plane does not know; it will hardly appear within seconds. */
const GONE_DELAY_MS = 60_000;
/** A pass over slow stores takes longer than a cycle; what it decided first must not be too old for its end. */
const DECISION_CYCLES = 4;

/**
 * Makes decisions true: per bucket one claim for all its changes, a PUT each, one settlement. The claim is the lock, the
 * write-ahead record and the fence; nothing is remembered as done that the control plane did not accept.
 */
export class Act {
  readonly #options: ActOptions;
  readonly #limiter: Limiter;

  constructor(options: ActOptions) {
    this.#options = options;
    this.#limiter = new Limiter(options.settings.scaling.actuationConcurrency);
  }

  /** Never rejects: what could not be done is left for the next cycle. */
  async run(changes: readonly Change[], signal: AbortSignal): Promise<void> {
    const handedMs = this.#options.clock.monotonicMs();
    const real = changes.filter((change) => !this.#noteDryRun(change));
    const byBucket = Map.groupBy(real, ({ tracked }) => tracked.version.bucket);
    await Promise.all(
      [...byBucket].map(([bucket, ofBucket]) =>
        this.#limiter.run(async () => {
          try {
            await this.#change(bucket, ofBucket, { handedMs, signal });
          } catch (error) {
            if (!signal.aborted) this.#postpone(bucket, ofBucket.length, error);
          }
        }),
      ),
    );
  }

  async #change(
    bucket: Bucket,
    changes: readonly Change[],
    { handedMs, signal }: { handedMs: number; signal: AbortSignal },
  ): Promise<void> {
    const { clock, settings } = this.#options;
    const { intervalMs, claimDeadlineMs } = settings.scaling;
    const ready = changes.filter((change) => this.#isReady(change.tracked));
    const admitted = await this.#admitted(ready, signal);
    // What waited for a whole cycle is dropped: the next one decides better. So is what was made from old signals.
    if (clock.monotonicMs() - handedMs > intervalMs) return;
    const oldestMs = clock.wallMs() - intervalMs * DECISION_CYCLES;
    const current = admitted.filter(({ decision }) => decision.atMs >= oldestMs);
    if (current.length === 0 || !this.#options.mayAct(bucket)) return;

    const deadlineMs = clock.monotonicMs() + claimDeadlineMs;
    const { mine, doubtful } = await this.#claim(bucket, current);
    const settlements = await Promise.all(
      mine.map(async (claimed) => this.#note(claimed, await this.#send(claimed, { bucket, deadlineMs }))),
    );
    const overtaken = await this.#settle(bucket, mine, settlements);
    this.#noteRegressions(mine, settlements, overtaken);
    for (const tracked of [...doubtful, ...overtaken]) await this.#rereadRow(bucket, tracked);
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

  /** In a dry run nothing is claimed and nothing sent; the same wish is reported once, not every cycle. */
  #noteDryRun({ tracked, decision }: Change): boolean {
    const { actuator, onActed } = this.#options;
    if (!actuator.isDryRun(tracked.version)) return false;
    if (tracked.dryWanted !== decision.wanted) onActed(tracked, decision, DRY_RUN);
    tracked.dryWanted = decision.wanted;
    return true;
  }

  #isReady(tracked: Tracked): boolean {
    const { clock, actuator, settings, memberId } = this.#options;
    const nowMs = clock.monotonicMs();
    if (nowMs < tracked.notBeforeMs) return false;
    const { state } = tracked;
    if (actuator.strength === 'fenced' || state?.phase !== 'pending' || state.holder === memberId) return true;
    // The other one's PUT may still be on its way to a control plane that would not refuse it after ours.
    if (tracked.pendingSince?.token !== state.token) tracked.pendingSince = { token: state.token, atMs: nowMs };
    return nowMs - tracked.pendingSince.atMs >= settings.scaling.claimHoldMs;
  }

  #claimOf({ tracked, decision }: Change): Claim {
    const { clock, random, memberId } = this.#options;
    const wallMs = clock.wallMs();
    return {
      versionId: tracked.version.versionId,
      observed: tracked.state?.token,
      // A control plane that has seen a higher token than our store (a restored backup) is overtaken, not fought.
      token: nextToken(higherToken(tracked.state?.token, tracked.fencedBy), wallMs),
      nonce: random.uuid(),
      holder: memberId,
      wanted: decision.wanted ?? 0,
      previous: decision.previous,
      reason: decision.reasons.map((reason) => reason.code).join(' '),
      claimedMs: wallMs,
      memo: writeMemo(tracked),
    };
  }

  /** `doubtful`: whether the claim is there is not known, so nothing may be sent under it. */
  async #claim(bucket: Bucket, changes: readonly Change[]): Promise<{ mine: Claimed[]; doubtful: Tracked[] }> {
    const { states, meters } = this.#options;
    const claims = changes.map((change) => this.#claimOf(change));
    const results = new Map((await states.claim(bucket, claims)).map((result) => [result.versionId, result]));
    const mine: Claimed[] = [];
    const doubtful: Tracked[] = [];
    for (const [index, claim] of claims.entries()) {
      const change = changes[index];
      const result = results.get(claim.versionId);
      if (!change || !result) continue;
      const { tracked } = change;
      meters.add('starling_claims_total', 1, { outcome: result.outcome });
      switch (result.outcome) {
        case 'applied':
          mine.push({ change, claim, before: tracked.state });
          tracked.state = pendingRow(bucket, claim, tracked.state);
          break;
        case 'lost':
          adoptRow(tracked, result.current, this.#options.clock.wallMs());
          break;
        case 'unknown':
          doubtful.push(tracked);
          break;
        default:
          result satisfies never;
      }
    }
    return { mine, doubtful };
  }

  async #send(
    { change: { tracked }, claim }: Claimed,
    { bucket, deadlineMs }: { bucket: Bucket; deadlineMs: number },
  ): Promise<Actuation> {
    const { clock, actuator, mayAct } = this.#options;
    // A process that stood still between claim and PUT finds out here.
    if (!mayAct(bucket) || clock.monotonicMs() >= deadlineMs) return NOT_SENT;
    const { account, functionId, versionId } = tracked.version;
    const { wanted, token, claimedMs: decidedMs } = claim;
    try {
      // No abort here: what is claimed is sent and settled, also while stopping; the deadline bounds it.
      return await actuator.actuate({ account, functionId, versionId, wanted, token, decidedMs }, { deadlineMs });
    } catch (error) {
      // A fault of ours, and it must not leave the others of the bucket unsettled.
      return { ...NOT_SENT, outcome: 'unknown', detail: errorText(error) };
    }
  }

  #note({ change: { tracked, decision }, claim, before }: Claimed, actuation: Actuation): Settlement {
    const { clock, meters, onActed } = this.#options;
    if (actuation !== NOT_SENT) this.#backOff(tracked, actuation);
    if (actuation.outcome === 'fenced') tracked.fencedBy = actuation.storedToken;
    const settlement = settlementOf(claim, { before, actuation, settledMs: clock.wallMs() });
    if (tracked.state) tracked.state = { ...tracked.state, ...settlement, phase: 'settled' };
    meters.add('starling_actuations_total', 1, { outcome: actuation.outcome });
    onActed(tracked, decision, actuation);
    return settlement;
  }

  /** One of this fleet that is newer stands in our store; a fence that our store knows nothing of means that it went back. */
  #noteRegressions(mine: readonly Claimed[], settlements: readonly Settlement[], overtaken: readonly Tracked[]): void {
    for (const [index, { change }] of mine.entries()) {
      if (settlements[index]?.outcome !== 'fenced' || overtaken.includes(change.tracked)) continue;
      // Where the answer to the settlement was lost, what stands in the store is not known.
      if (!change.tracked.isUnsettled) this.#options.meters.add('starling_token_regressions_total', 1);
    }
  }

  /** Returns those that a newer writer owns. */
  async #settle(bucket: Bucket, mine: readonly Claimed[], settlements: readonly Settlement[]): Promise<Tracked[]> {
    if (settlements.length === 0) return [];
    const { states, rareLog } = this.#options;
    const results = await states.settle(bucket, settlements).catch((error: unknown) => {
      rareLog.write('warn', 'settle', { event: 'settlement.open', bucket, err: error }, 'the next cycle settles it');
      return [];
    });
    const outcomes = new Map(results.map(({ versionId, outcome }) => [versionId, outcome]));
    const overtaken: Tracked[] = [];
    for (const { tracked } of mine.map(({ change }) => change)) {
      const outcome = outcomes.get(tracked.version.versionId) ?? 'unknown';
      // What the control plane said is known here; the row may still stand as pending, and the next owner would not know.
      tracked.isUnsettled = outcome === 'unknown';
      if (outcome === 'superseded') overtaken.push(tracked);
    }
    return overtaken;
  }

  #backOff(tracked: Tracked, actuation: Actuation): void {
    if (actuation.outcome === 'applied' || actuation.outcome === 'already-so') {
      tracked.failures = 0;
      tracked.notBeforeMs = 0;
      return;
    }
    tracked.failures += 1;
    const { clock, random, settings } = this.#options;
    const { retryDelayMs, retryDelayMaxMs, goneDelayMaxMs } = settings.scaling;
    const [firstMs, lastMs] = actuation.isGone ? [GONE_DELAY_MS, goneDelayMaxMs] : [retryDelayMs, retryDelayMaxMs];
    const grownMs = Math.min(lastMs, firstMs * 2 ** Math.min(tracked.failures - 1, 10));
    const jitteredMs = grownMs * (0.5 + random.next() / 2);
    tracked.notBeforeMs = clock.monotonicMs() + Math.max(jitteredMs, actuation.retryAfterMs ?? 0);
  }

  /** Reads the row the linearizable way: what was in flight is finished or dead afterwards. */
  async #rereadRow(bucket: Bucket, tracked: Tracked): Promise<void> {
    const { states, clock } = this.#options;
    adoptRow(tracked, await states.readOne(bucket, tracked.version.versionId), clock.wallMs());
  }

  #postpone(bucket: Bucket, changes: number, error: unknown): void {
    const { rareLog, meters } = this.#options;
    rareLog.write('warn', 'act', { event: 'actuation.postponed', bucket, err: error }, 'left for the next cycle');
    meters.add('starling_actuations_postponed_total', changes, { why: 'store' });
  }
}

const NOT_SENT = actuation('failed', 'not sent: the right to act, or the claim, ran out first');
const DRY_RUN = actuation('dry-run', 'dry run: not sent');

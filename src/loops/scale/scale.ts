import type { Logger } from 'pino';
import { BUCKET_COUNT, type Bucket } from '../../domain/bucket.ts';
import type { Control } from '../../domain/control.ts';
import type { Decision } from '../../domain/decision.ts';
import { partShows } from '../../domain/part.ts';
import type { Reason } from '../../domain/reason.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Actuator } from '../../ports/actuator.ts';
import type { Controls } from '../../ports/controls.ts';
import type { Column, Part, SignalReader } from '../../ports/signal-reader.ts';
import type { TargetSource } from '../../ports/target-source.ts';
import { decide } from '../../scaling/decide.ts';
import { freezeDecision } from '../../scaling/fleet-freeze.ts';
import type { Meters } from '../../telemetry/meters.ts';
import type { RareLog } from '../../telemetry/rare-log.ts';
import type { Membership } from '../membership.ts';
import type { Act, Change } from './act.ts';
import { Cycle } from './cycle.ts';
import type { Fleet } from './fleet.ts';
import type { FreezeWatch } from './freeze-watch.ts';
import type { Observer } from './observe.ts';
import type { Recorder } from './record.ts';
import { type SituateOptions, situate } from './situate.ts';
import type { Tracked } from './tracked.ts';

export interface ScaleOptions {
  readonly membership: Membership;
  readonly fleet: Fleet;
  readonly controls: Controls;
  readonly targets: TargetSource;
  readonly reader: SignalReader;
  readonly observer: Observer;
  readonly actuator: Actuator;
  readonly act: Act;
  readonly freeze: FreezeWatch;
  readonly recorder: Recorder;
  readonly situating: SituateOptions;
  readonly clock: Clock;
  readonly logger: Logger;
  /** For trouble that comes back every cycle. */
  readonly rareLog: RareLog;
  readonly meters: Meters;
  /** The bucket of a version that only its id is known of; undefined where the metrics carry the bucket. */
  readonly place: (versionId: string) => Bucket | undefined;
  readonly lookBackMs: number;
  readonly stepMs: number;
  /** How far back the back-fill looks for calls: the longest idle time in use. */
  readonly idleMs: number;
  readonly clockSkewMaxMs: number;
  readonly skewCheckMs: number;
  /** An unchanged wish is sent again after this to a control plane that checks no tokens. */
  readonly resendMs: number;
}

/** Of the versions in a part: with fewer newcomers than this no past is read. */
const BACKFILL_SHARE = 0.1;

/**
 * One activation: read the signals of every version in my buckets, a part at a time, decide, and act on what must
 * change. Raises go out part by part; lowerings wait until the whole share was seen, because only then can be told
 * whether functions have grown quiet or the world has gone blind.
 */
export class Scale {
  readonly #options: ScaleOptions;
  #controls: readonly Control[] = [];
  #skew: { readonly ms: number; readonly checkedMs: number } | undefined;

  constructor(options: ScaleOptions) {
    this.#options = options;
  }

  async activate({ cause, signal }: { cause: string; signal: AbortSignal }): Promise<void> {
    const { membership } = this.#options;
    if (!membership.hasJoined()) return;
    await this.#keepUp();
    await Promise.all([this.#readControls(), this.#checkSkew(signal)]);
    const unserved = this.#unserved();
    // A poke serves what was just gained; where nothing was, somebody wants everything looked at.
    const isWhole = cause !== 'poke' || unserved.length === 0;
    await this.#pass(isWhole ? membership.owned() : unserved, { isWhole, signal });
  }

  async #pass(
    buckets: readonly Bucket[],
    { isWhole, signal }: { isWhole: boolean; signal: AbortSignal },
  ): Promise<void> {
    const { fleet, reader, act, recorder, membership } = this.#options;
    const due = new Set(buckets);
    const mine = [...fleet.all()].filter((tracked) => due.has(tracked.version.bucket) && tracked.isStateRead);
    await this.#readTargets(mine, signal);
    const cycle = new Cycle();
    const acting: Promise<void>[] = [];
    for (const part of reader.plan({ buckets, versions: mine.length, bucketCount: BUCKET_COUNT })) {
      signal.throwIfAborted();
      const shown = mine.filter(({ version }) => partShows(part, version) && membership.owns(version.bucket));
      await this.#evaluate(part, shown, { cycle, signal });
      acting.push(act.run(cycle.takeRaises(), signal));
      if (isWhole) await this.#serveGained(due, signal);
      await this.#backfill(part, shown, signal);
    }
    recorder.served(buckets);
    // Half a view lowers nothing; the next whole one will.
    if (isWhole) acting.push(act.run(this.#settleLowerings(cycle), signal));
    await Promise.all(acting);
  }

  async #evaluate(
    part: Part,
    shown: readonly Tracked[],
    { cycle, signal }: { cycle: Cycle; signal: AbortSignal },
  ): Promise<void> {
    const { reader, observer, clock, recorder, freeze, targets, situating } = this.#options;
    const readings = await reader.read(part, { signal });
    for (const { instances, invocation, utilisation, demand } of readings) {
      this.#noticeUnknown([instances, invocation]);
      this.#countRejected([instances, invocation, utilisation, demand]);
    }
    const signalsOf = observer.take(readings);
    const nowMs = clock.wallMs();
    for (const tracked of shown) {
      const facts = {
        signals: signalsOf(tracked, nowMs),
        target: targets.get(tracked.version.versionId),
        controls: this.#controlsOf(tracked),
        isFleetFrozen: freeze.isFrozen,
        hindrance: this.#hindranceOf(tracked),
        nowMs,
      };
      const situation = situate(tracked, facts, situating);
      const { decision, memory } = decide(situation);
      tracked.memory = memory;
      recorder.decided(tracked, decision);
      cycle.add(tracked, decision, { needsResend: this.#needsResend(tracked, decision) });
    }
  }

  /** The guard looks at the whole cycle before anything falls; what it stops gets its reason and is kept. */
  #settleLowerings({ tally, lowerings }: Cycle): Change[] {
    const { freeze, recorder, clock } = this.#options;
    freeze.judge(tally, { controls: this.#controls, nowMs: clock.wallMs() });
    if (!freeze.isFrozen) return lowerings;
    return lowerings.filter(({ tracked, decision }) => {
      const frozen = freezeDecision(decision);
      if (frozen !== decision) recorder.decided(tracked, frozen);
      return frozen === decision;
    });
  }

  /** Buckets gained in the middle of a long pass do not wait for its end. */
  async #serveGained(due: ReadonlySet<Bucket>, signal: AbortSignal): Promise<void> {
    const isNews = (bucket: Bucket) => !due.has(bucket) && !this.#options.recorder.hasServed(bucket);
    if (!this.#options.membership.owned().some(isNews)) return;
    await this.#keepUp();
    const gained = this.#unserved().filter(isNews);
    if (gained.length > 0) await this.#pass(gained, { isWhole: false, signal });
  }

  #unserved(): Bucket[] {
    const { membership, fleet, recorder } = this.#options;
    return membership.owned().filter((bucket) => fleet.holds(bucket) && !recorder.hasServed(bucket));
  }

  /** When the store does not answer, what is known is evaluated all the same: nothing can be claimed, so nothing moves. */
  async #keepUp(): Promise<void> {
    const { membership, fleet, recorder, clock, rareLog, meters } = this.#options;
    const owned = membership.owned();
    for (const bucket of fleet.keepOnly(owned)) recorder.left(bucket);
    try {
      await fleet.keepUp(owned, { monotonicMs: clock.monotonicMs(), wallMs: clock.wallMs() });
    } catch (error) {
      meters.add('starling_holds_total', 1, { reason: 'store' });
      rareLog.write(
        'warn',
        'fleet',
        { event: 'fleet.stale', err: error },
        'the store does not answer; going on with what is known',
      );
    }
    meters.set('starling_versions_tracked', fleet.size);
  }

  /** Pauses and overrides as last read stay in force while the store does not answer. */
  async #readControls(): Promise<void> {
    try {
      this.#controls = await this.#options.controls.list(this.#options.clock.wallMs());
    } catch (error) {
      this.#options.rareLog.write(
        'warn',
        'controls',
        { event: 'controls.stale', err: error },
        'going on with the controls as last read',
      );
    }
  }

  async #readTargets(mine: readonly Tracked[], signal: AbortSignal): Promise<void> {
    const { targets, rareLog, meters } = this.#options;
    const told = await targets.refresh(
      mine.map(({ version }) => version),
      signal,
    );
    if (told.ok) return;
    meters.add('starling_holds_total', 1, { reason: 'targets' });
    rareLog.write(
      'warn',
      'targets',
      { event: 'targets.stale', detail: told.detail },
      'going on with the last known bounds and policies',
    );
  }

  /** Ownership needs no common clock, but query times are ours: with clocks apart the answers would be of another time. */
  async #checkSkew(signal: AbortSignal): Promise<void> {
    const { reader, clock, skewCheckMs, meters, logger } = this.#options;
    const nowMs = clock.monotonicMs();
    if (this.#skew && nowMs - this.#skew.checkedMs < skewCheckMs) return;
    try {
      const { skewMs } = await reader.probe({ signal });
      this.#skew = { ms: skewMs, checkedMs: nowMs };
      meters.set('starling_clock_skew_seconds', skewMs / 1000, { peer: 'timeseries' });
    } catch (error) {
      logger.debug({ event: 'clock.unchecked', err: error }, 'the time-series store did not tell its time');
    }
  }

  #hindranceOf(tracked: Tracked): Reason | undefined {
    const { clockSkewMaxMs, clock } = this.#options;
    if (this.#skew && Math.abs(this.#skew.ms) > clockSkewMaxMs) {
      return { code: 'clock-skew', facts: { skewMs: Math.round(this.#skew.ms), allowedMs: clockSkewMaxMs } };
    }
    const waitMs = tracked.notBeforeMs - clock.monotonicMs();
    if (waitMs > 0)
      return { code: 'control-plane-backoff', facts: { failures: tracked.failures, waitMs: Math.round(waitMs) } };
    return undefined;
  }

  #controlsOf(tracked: Tracked): readonly Control[] {
    if (this.#controls.length === 0) return this.#controls;
    return this.#controls.filter(
      (control) => control.kind !== 'freeze-release' && control.versionId === tracked.version.versionId,
    );
  }

  /** An order in doubt is sent again; and where nobody checks tokens, a late write may have overwritten what stands. */
  #needsResend({ state, version }: Tracked, { verdict, reasons }: Decision): boolean {
    const { actuator, clock, resendMs } = this.#options;
    if (actuator.isDryRun(version)) return false;
    if (reasons.some(({ code }) => code === 'unconfirmed')) return true;
    if (actuator.strength === 'fenced' || verdict !== 'keep') return false;
    if (reasons.some(({ code }) => code === 'paused' || code === 'not-active')) return false;
    return state?.applied !== undefined && clock.wallMs() - state.settledMs >= resendMs;
  }

  /** A signal of a version that no row tells of: discovery has just found it, or is about to. */
  #noticeUnknown(columns: readonly (Column | undefined)[]): void {
    const { fleet, membership, place } = this.#options;
    for (const column of columns) {
      for (const versionId of column?.versionIds ?? []) {
        if (fleet.get(versionId)) continue;
        const bucket = place(versionId);
        if (bucket !== undefined && membership.owns(bucket)) fleet.expire(bucket);
      }
    }
  }

  #countRejected(columns: readonly (Column | undefined)[]): void {
    const { meters } = this.#options;
    for (const column of columns) {
      for (const { why } of column?.rejected ?? []) meters.add('starling_samples_rejected_total', 1, { why });
    }
  }

  async #backfill(part: Part, shown: readonly Tracked[], signal: AbortSignal): Promise<void> {
    const { reader, observer, clock, lookBackMs, stepMs, idleMs } = this.#options;
    const newcomers = shown.filter((tracked) => !tracked.isBackfilled);
    if (newcomers.length < shown.length * BACKFILL_SHARE) {
      // A few newborns among many: their past is short, and reading everybody's to learn it would cost the store dearly.
      for (const tracked of newcomers) tracked.isBackfilled = true;
    }
    if (newcomers.length === 0 || newcomers.every((tracked) => tracked.isBackfilled)) return;
    const backfills = await reader.backfill(part, { lookBackMs, stepMs, idleMs, signal });
    // What failed is tried again with the next pass; what came is used.
    const isComplete = backfills.every((backfill) => backfill.state === 'read');
    for (const tracked of newcomers) {
      observer.prefill(tracked, backfills, { nowMs: clock.wallMs(), idleMs });
      tracked.isBackfilled = isComplete;
    }
  }
}

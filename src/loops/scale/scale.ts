import { BUCKET_COUNT, type Bucket } from '../../domain/bucket.ts';
import type { Decision } from '../../domain/decision.ts';
import { splitByPart } from '../../domain/part.ts';
import type { Reason } from '../../domain/reason.ts';
import { EventLoopYielder } from '../../lib/event-loop-yielder.ts';
import type { Column, Part } from '../../ports/signal-reader.ts';
import { decide } from '../../scaling/decide.ts';
import { type FleetTally, freezeDecision, newTally, tallyDecision } from '../../scaling/fleet-freeze.ts';
import { placeVersion } from '../../sharding/place.ts';
import type { RareLog } from '../../telemetry/rare-log.ts';
import type { Activation } from '../loop.ts';
import type { MemberParts } from '../member-parts.ts';
import type { Membership } from '../membership.ts';
import type { Act, Change } from './act.ts';
import type { ClockSkew } from './clock-skew.ts';
import type { CurrentControls } from './current-controls.ts';
import type { Fleet } from './fleet.ts';
import type { FreezeWatch } from './freeze-watch.ts';
import type { Observer } from './observe.ts';
import type { Recorder } from './record.ts';
import { type SituationSettings, situationOf } from './situation-of.ts';
import type { Tracked } from './tracked.ts';

/** Named as in the configuration, where each is explained. */
export interface ScaleSettings extends SituationSettings {
  /** An unchanged wish is sent again after `resendMs` to a control plane that checks no tokens. */
  readonly scaling: { readonly resendMs: number };
  /** Set where the metrics carry the bucket of a version; then its id alone does not give it. */
  readonly timeseries: { readonly bucketLabel: string | undefined };
}

export interface ScaleOptions extends Pick<MemberParts, 'reader' | 'targets' | 'actuator' | 'clock' | 'meters'> {
  readonly membership: Membership;
  readonly fleet: Fleet;
  readonly controls: CurrentControls;
  readonly skew: ClockSkew;
  readonly observer: Observer;
  readonly act: Act;
  readonly freeze: FreezeWatch;
  readonly recorder: Recorder;
  readonly settings: ScaleSettings;
  /** For trouble that comes back every cycle. */
  readonly rareLog: RareLog;
  /** Some versions were looked at; of those that are new here the past is to be learned. */
  readonly onLooked: () => void;
}

/** What one activation has in hand. */
interface Pass extends Pick<Activation, 'signal' | 'stepDone'> {
  /** Buckets that are looked at already. */
  readonly due: Set<Bucket>;
  /** What is being done about what was decided. */
  readonly acting: Promise<void>[];
}

/** What one pass over the share came to so far. */
interface Cycle {
  readonly tally: FleetTally;
  /** Decreases wait for the whole view. */
  readonly lowerings: Change[];
}

/**
 * One activation: read the signals of every version in my buckets, a part at a time, decide, and act on what must
 * change. Raises go out part by part; lowerings wait until the whole share was seen, because only then it shows
 * whether functions have grown quiet or the signals are gone.
 */
export class Scale {
  readonly #options: ScaleOptions;
  #isFullPassRequested = false;
  #onShareChanged: () => void = () => {};

  constructor(options: ScaleOptions) {
    this.#options = options;
  }

  /** The next activation looks at everything, whatever causes it. */
  requestFullPass(): void {
    this.#isFullPassRequested = true;
  }

  /** What was gained is looked at at once, also while an activation waits for the control plane. */
  shareChanged(): void {
    this.#onShareChanged();
  }

  async activate({ cause, signal, stepDone }: Activation): Promise<void> {
    const { membership, fleet, controls, skew } = this.#options;
    if (!membership.hasJoined()) return;
    await this.#refresh();
    await Promise.all([controls.read(), skew.check(signal)]);
    stepDone();
    // A poke is for what was just gained, unless a full pass was requested.
    const isWhole = cause !== 'poke' || this.#isFullPassRequested;
    const buckets = isWhole ? membership.owned().filter((bucket) => fleet.holds(bucket)) : this.#unserved();
    if (isWhole) this.#isFullPassRequested = false;
    if (buckets.length === 0) return;
    const pass: Pass = { signal, stepDone, due: new Set(buckets), acting: [] };
    try {
      await this.#look(buckets, { isWhole, pass });
      await this.#finish(pass);
    } finally {
      // Also after a failure: what is claimed is sent and settled before anything else begins.
      await Promise.all(pass.acting);
      this.#onShareChanged = () => {};
    }
  }

  async #look(buckets: readonly Bucket[], { isWhole, pass }: { isWhole: boolean; pass: Pass }): Promise<void> {
    const { fleet, reader, act, recorder, onLooked } = this.#options;
    const { signal, acting } = pass;
    const mine = [...fleet.of(buckets)];
    await this.#readTargets(mine, signal);
    pass.stepDone();
    const cycle: Cycle = { tally: newTally(), lowerings: [] };
    const parts = reader.plan({ buckets, versions: mine.length, bucketCount: BUCKET_COUNT });
    const byPart = splitByPart(parts, mine);
    for (const [index, part] of parts.entries()) {
      signal.throwIfAborted();
      const shown = byPart[index] ?? [];
      const raises = await this.#evaluate(part, shown, { cycle, signal });
      acting.push(act.run(raises, signal));
      pass.stepDone();
      await this.#serveGained(pass);
    }
    recorder.served(buckets);
    onLooked();
    // Half a view lowers nothing; the next whole one will.
    if (isWhole) acting.push(act.run(this.#settleLowerings(cycle), signal));
  }

  /** Waits for what is being done, and serves what comes here meanwhile: a slow control plane leaves no bucket unserved. */
  async #finish(pass: Pass): Promise<void> {
    for (;;) {
      await this.#serveGained(pass);
      const { promise: hasNews, resolve } = Promise.withResolvers<'news'>();
      this.#onShareChanged = () => resolve('news');
      if ((await Promise.race([Promise.all(pass.acting), hasNews])) !== 'news') return;
    }
  }

  async #evaluate(
    part: Part,
    shown: readonly Tracked[],
    { cycle, signal }: { cycle: Cycle; signal: AbortSignal },
  ): Promise<Change[]> {
    const { reader, observer, clock, recorder, freeze, targets, controls, membership, settings } = this.#options;
    const readings = await reader.read(part, { signal });
    for (const { profile, instances, invocation, utilisation, demand } of readings) {
      this.#noticeUnknown([instances, invocation]);
      this.#reportColumns(profile, [instances, invocation, utilisation, demand]);
    }
    const signalsOf = observer.take(readings);
    const raises: Change[] = [];
    const yielder = new EventLoopYielder(clock);
    for (const tracked of shown) {
      if (yielder.isDue()) await yielder.yield();
      // While it was read it may have gone to another member, or time may have broken.
      if (!membership.owns(tracked.version.bucket) || !tracked.isStateRead) continue;
      const nowMs = clock.wallMs();
      const { versionId } = tracked.version;
      const facts = {
        signals: signalsOf(tracked, nowMs),
        target: targets.get(versionId),
        controls: controls.of(versionId),
        isFleetFrozen: freeze.isFrozen,
        blockedBy: this.#blockedBy(tracked),
        nowMs,
      };
      const { decision, memory } = decide(situationOf(tracked, facts, settings));
      tracked.memory = memory;
      recorder.decided(tracked, decision);
      tallyDecision(cycle.tally, { decision, memory });
      const { verdict } = decision;
      if (verdict === 'lower') cycle.lowerings.push({ tracked, decision });
      else if (verdict === 'raise' || this.#needsResend(tracked, decision)) raises.push({ tracked, decision });
    }
    return raises;
  }

  /** The guard looks at the whole cycle before anything falls; what it stops gets its reason and is kept. */
  #settleLowerings({ tally, lowerings }: Cycle): Change[] {
    const { freeze, recorder, clock, controls } = this.#options;
    freeze.judge(tally, { controls: controls.all, nowMs: clock.wallMs() });
    return lowerings.filter(({ tracked, decision }) => {
      if (!tracked.isStateRead) return false;
      const frozen = freeze.isFrozen ? freezeDecision(decision) : decision;
      if (frozen !== decision) recorder.decided(tracked, frozen);
      return frozen === decision;
    });
  }

  /** Buckets gained in the middle of a long pass do not wait for its end. */
  async #serveGained(pass: Pass): Promise<void> {
    const { membership, recorder } = this.#options;
    const isNews = (bucket: Bucket) => !pass.due.has(bucket) && !recorder.hasServed(bucket);
    if (pass.signal.aborted || !membership.owned().some(isNews)) return;
    await this.#refresh();
    const gained = this.#unserved().filter(isNews);
    if (gained.length === 0) return;
    for (const bucket of gained) pass.due.add(bucket);
    await this.#look(gained, { isWhole: false, pass });
  }

  #unserved(): Bucket[] {
    const { membership, fleet, recorder } = this.#options;
    return membership.owned().filter((bucket) => fleet.holds(bucket) && !recorder.hasServed(bucket));
  }

  /** When the store does not answer, what is known is evaluated all the same: nothing can be claimed, so nothing moves. */
  async #refresh(): Promise<void> {
    const { membership, fleet, recorder, clock, rareLog, meters } = this.#options;
    const owned = membership.owned();
    for (const bucket of fleet.keepOnly(owned)) recorder.left(bucket);
    try {
      await fleet.refresh(owned, { monotonicMs: clock.monotonicMs(), wallMs: clock.wallMs() });
    } catch (error) {
      meters.add('starling_holds_total', 1, { reason: 'store' });
      const facts = { event: 'fleet.stale', err: error };
      rareLog.write('warn', 'fleet', facts, 'the store does not answer; going on with what is known');
    }
    meters.set('starling_versions_tracked', fleet.size);
  }

  async #readTargets(mine: readonly Tracked[], signal: AbortSignal): Promise<void> {
    const { targets, rareLog, meters } = this.#options;
    const versions = mine.map(({ version }) => version);
    const refreshed = await targets.refresh(versions, signal);
    if (refreshed.ok) return;
    meters.add('starling_holds_total', 1, { reason: 'targets' });
    const facts = { event: 'targets.stale', detail: refreshed.detail };
    rareLog.write('warn', 'targets', facts, 'going on with the last known bounds and policies');
  }

  #blockedBy(tracked: Tracked): Reason | undefined {
    const { controls, skew, clock } = this.#options;
    if (!controls.isRead) return { code: 'state-unknown', facts: {} };
    const waitMs = tracked.notBeforeMs - clock.monotonicMs();
    if (waitMs <= 0) return skew.blockedBy();
    return { code: 'control-plane-backoff', facts: { failures: tracked.failures, waitMs: Math.round(waitMs) } };
  }

  /** An order in doubt is sent again; and where tokens are not checked, a late write may have overwritten what stands. */
  #needsResend({ state, version }: Tracked, { verdict, reasons }: Decision): boolean {
    const { actuator, clock, settings } = this.#options;
    if (actuator.isDryRun(version)) return false;
    if (reasons.some(({ code }) => code === 'unconfirmed')) return true;
    if (actuator.strength === 'fenced' || verdict !== 'keep') return false;
    if (reasons.some(({ code }) => code === 'paused' || code === 'not-active')) return false;
    return state?.applied !== undefined && Math.abs(clock.wallMs() - state.settledMs) >= settings.scaling.resendMs;
  }

  /** A signal of a version that has no row: discovery has just found it, or is about to. */
  #noticeUnknown(columns: readonly (Column | undefined)[]): void {
    const { fleet, membership, settings } = this.#options;
    if (settings.timeseries.bucketLabel !== undefined) return;
    for (const column of columns) {
      for (const versionId of column?.versionIds ?? []) {
        if (fleet.get(versionId)) continue;
        const bucket = placeVersion(versionId);
        if (membership.owns(bucket)) fleet.expire(bucket);
      }
    }
  }

  #reportColumns(profile: string, columns: readonly (Column | undefined)[]): void {
    const { rareLog, meters } = this.#options;
    for (const column of columns) {
      for (const { why } of column?.rejected ?? []) meters.add('starling_samples_rejected_total', 1, { why });
    }
    const failed = columns.find((column) => column?.state === 'failed');
    if (!failed) return;
    const facts = { event: 'signals.failed', profile, detail: failed.detail };
    const what = 'signals could not be read; nothing is lowered for want of them';
    rareLog.write('warn', `signals ${profile}`, facts, what);
  }
}

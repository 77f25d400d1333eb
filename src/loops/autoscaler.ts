import type { Logger } from 'pino';
import type { Bucket } from '../domain/bucket.ts';
import type { MemberId } from '../domain/member.ts';
import type { Clock } from '../lib/clock.ts';
import type { Random } from '../lib/random.ts';
import type { Actuator } from '../ports/actuator.ts';
import type { SignalReader } from '../ports/signal-reader.ts';
import type { Store } from '../ports/store.ts';
import type { TargetSource } from '../ports/target-source.ts';
import { History } from '../scaling/history.ts';
import { placeVersion } from '../sharding/place.ts';
import type { Meters } from '../telemetry/meters.ts';
import { RareLog } from '../telemetry/rare-log.ts';
import type { AutoscalerSettings } from './autoscaler-settings.ts';
import { Discover } from './discover.ts';
import { Duty } from './duty.ts';
import { type Activation, Loop, type LoopStatus } from './loop.ts';
import { Membership } from './membership.ts';
import { Act } from './scale/act.ts';
import { ControlBoard } from './scale/control-board.ts';
import { Fleet } from './scale/fleet.ts';
import { FreezeWatch } from './scale/freeze-watch.ts';
import { writeMemo } from './scale/memo.ts';
import { Observer } from './scale/observe.ts';
import { Past } from './scale/past.ts';
import { Recorder } from './scale/record.ts';
import { Scale } from './scale/scale.ts';
import { SkewWatch } from './scale/skew-watch.ts';
import { TimeWatch } from './time-watch.ts';

export interface AutoscalerParts {
  readonly memberId: MemberId;
  readonly version: string;
  readonly address: string;
  readonly weight: number;
  readonly store: Store;
  readonly reader: SignalReader;
  readonly targets: TargetSource;
  readonly actuator: Actuator;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly meters: Meters;
  readonly settings: AutoscalerSettings;
  readonly onMembersChanged?: (count: number) => void;
}

const PARTS_DISCOVERED_AT_ONCE = 2;
const ROWS_PER_WRITE = 50;
/** A pass over slow stores takes longer than a cycle; what it decided first must not be too old for its end. */
const DECISION_CYCLES = 4;
const SKEW_CHECK_MS = 60_000;

/** One member: its loops, in the order in which they depend on each other. */
export class Autoscaler {
  readonly membership: Membership;
  readonly duty: Duty;
  readonly fleet: Fleet;
  readonly observer: Observer;
  readonly recorder: Recorder;
  readonly freeze: FreezeWatch;
  readonly #parts: AutoscalerParts;
  readonly #skew: SkewWatch;
  readonly #scaling: Scale;
  readonly #timeWatch: TimeWatch;
  readonly #beat: Loop;
  readonly #tend: Loop;
  readonly #discover: Loop;
  readonly #scale: Loop;
  readonly #learn: Loop;

  constructor(parts: AutoscalerParts) {
    this.#parts = parts;
    const { memberId, store, reader, targets, actuator, clock, random, meters, settings } = parts;
    const { logger } = parts;
    const rareLog = new RareLog({ clock, logger, everyMs: settings.logRepeatMs });

    this.membership = new Membership({
      ...parts,
      roster: store.roster,
      deadAfterMs: settings.deadAfterMs,
      selfStopMs: settings.selfStopMs,
      joinWaitMs: settings.joinWaitMs,
      onShareChanged: () => {
        this.#scaling.shareChanged();
        this.#scale.poke();
      },
      onMembersChanged: (count) => parts.onMembersChanged?.(count),
    });
    this.duty = new Duty({
      name: 'discovery',
      memberId,
      keeper: store.duties,
      clock,
      random,
      logger,
      meters,
      tenure: {
        renewEveryMs: settings.dutyRenewMs,
        stopAfterMs: settings.dutyStopMs,
        expireAfterMs: settings.dutyExpireMs,
      },
      jitterMs: settings.dutyJitterMs,
      provenWithinMs: settings.dutyRenewMs * 2,
      onWon: () => this.#discover.poke(),
    });
    const discover = new Discover({
      duty: this.duty,
      reader,
      catalogue: store.catalogue,
      clock,
      logger,
      meters,
      place: placeVersion,
      ttlMs: settings.activeTtlMs,
      refreshAfterMs: settings.refreshAfterMs,
      heldAfterMs: settings.heldAfterMs,
      partsAtOnce: PARTS_DISCOVERED_AT_ONCE,
      rowsPerWrite: ROWS_PER_WRITE,
    });

    const grid = { stepMs: settings.stepMs, lookBackMs: settings.lookBackMs };
    this.observer = new Observer({
      utilisation: new History(grid),
      demand: new History(grid),
      switchProfileAfterMs: settings.profilePatienceMs,
    });
    this.fleet = new Fleet({
      catalogue: store.catalogue,
      states: store.states,
      catalogueRefreshMs: settings.catalogueRefreshMs,
      stateRefreshMs: settings.stateRefreshMs,
      forgetAfterMs: settings.forgetAfterMs,
      onForget: (versionId) => this.observer.forget(versionId),
    });
    this.#skew = new SkewWatch({
      reader,
      clock,
      logger,
      meters,
      allowedMs: settings.clockSkewMaxMs,
      checkEveryMs: SKEW_CHECK_MS,
    });
    this.freeze = new FreezeWatch({ settings: settings.freeze, logger, meters });
    this.recorder = new Recorder({
      memberId,
      ledger: store.ledger,
      clock,
      logger,
      meters,
      flushMs: settings.ledgerFlushMs,
      bufferMax: settings.ledgerBuffer,
    });
    const act = new Act({
      memberId,
      states: store.states,
      actuator,
      clock,
      random,
      rareLog,
      meters,
      mayAct: (bucket) => this.membership.mayAct(bucket),
      memoOf: writeMemo,
      onActed: (tracked, decision, actuation) => this.recorder.acted(tracked, decision, actuation),
      claimDeadlineMs: settings.claimDeadlineMs,
      claimHoldMs: settings.claimHoldMs,
      waitMaxMs: settings.scaleEveryMs,
      decisionMaxAgeMs: settings.scaleEveryMs * DECISION_CYCLES,
      bucketsAtOnce: settings.bucketsAtOnce,
      retryDelayMs: settings.retryDelayMs,
      retryDelayMaxMs: settings.retryDelayMaxMs,
      goneDelayMaxMs: settings.goneDelayMaxMs,
    });
    this.#scaling = new Scale({
      membership: this.membership,
      fleet: this.fleet,
      controls: new ControlBoard({ controls: store.controls, clock, rareLog }),
      skew: this.#skew,
      targets,
      reader,
      observer: this.observer,
      actuator,
      act,
      freeze: this.freeze,
      recorder: this.recorder,
      situating: {
        settings: settings.deciding,
        defaultPolicy: settings.defaultPolicy,
        targetStaleAfterMs: settings.targetStaleAfterMs,
      },
      clock,
      rareLog,
      meters,
      place: (versionId) => this.placeById(versionId),
      resendMs: settings.resendMs,
      onLooked: () => this.#learn.poke(),
    });
    const past = new Past({
      fleet: this.fleet,
      reader,
      observer: this.observer,
      clock,
      lookBackMs: settings.lookBackMs,
      stepMs: settings.stepMs,
      idleMs: settings.idleMs,
    });

    const hungAfterMs = (periodMs: number) => Math.max(settings.hungMinMs, periodMs * settings.missedPeriods);
    const loop = (
      name: string,
      purpose: string,
      periodMs: number,
      activate: (activation: Activation) => Promise<void>,
    ) => new Loop({ name, purpose, periodMs, hungAfterMs: hungAfterMs(periodMs), clock, logger, meters, activate });
    this.#beat = loop('beat', 'say that I am alive, notice who is not', settings.beatEveryMs, () =>
      this.membership.activate(),
    );
    this.#tend = loop('tend', 'hold the discovery duty, or wait for it', settings.dutyRenewMs, () =>
      this.duty.activate(),
    );
    this.#discover = loop(
      'discover',
      'find active function versions, under the duty',
      settings.discoverEveryMs,
      (activation) => discover.activate(activation),
    );
    this.#scale = loop(
      'scale',
      'read, decide and act for every version in my buckets',
      settings.scaleEveryMs,
      (activation) => this.#scaling.activate(activation),
    );
    this.#learn = loop('learn', 'read the past of versions that are new here', settings.scaleEveryMs, (activation) =>
      past.activate(activation),
    );
    this.#timeWatch = new TimeWatch({ clock, onBreak: (brokenForMs) => this.#timeBroke(brokenForMs) });
  }

  /** The bucket of a version of which only the id is known. */
  placeById(versionId: string): Bucket | undefined {
    const tracked = this.fleet.get(versionId);
    if (tracked) return tracked.version.bucket;
    return this.#parts.settings.isPlacedByLabel ? undefined : placeVersion(versionId);
  }

  start(): void {
    this.#timeWatch.start();
    for (const loop of this.#loops()) loop.start();
  }

  loops(): LoopStatus[] {
    return this.#loops().map((loop) => loop.status());
  }

  /** Makes a loop run now; false when there is none of that name. */
  poke(name: string): boolean {
    if (name === 'scale') this.#scaling.askForAll();
    const loop = this.#loops().find((each) => each.status().name === name);
    loop?.poke();
    return loop !== undefined;
  }

  /**
   * Hands over: the others hear at once that I am leaving and take my buckets within a poll; what is claimed is sent and
   * settled; then the duty is given back.
   */
  async stop(): Promise<void> {
    const { logger } = this.#parts;
    const forgive = (what: string) => (error: unknown) =>
      logger.warn({ event: 'stop.incomplete', what, err: error }, 'the others will notice by themselves');
    this.#timeWatch.stop();
    await this.#beat.stop();
    await this.membership.leave('leaving').catch(forgive('leaving'));
    await Promise.all([this.#scale, this.#learn, this.#discover, this.#tend].map((loop) => loop.stop()));
    await this.duty.release().catch(forgive('duty'));
    await this.recorder.close();
    await this.membership.leave('left').catch(forgive('left'));
  }

  #loops(): readonly Loop[] {
    return [this.#beat, this.#tend, this.#discover, this.#scale, this.#learn];
  }

  /**
   * Nothing is sent until a beat is acknowledged again. After a break in which the others may have taken over, all that
   * was read before is in doubt as well.
   */
  #timeBroke(brokenForMs: number): void {
    const { clock, logger, meters, settings } = this.#parts;
    logger.warn(
      { event: 'time.broke', brokenForMs: Math.round(brokenForMs) },
      'this process or its machine stood still',
    );
    meters.add('starling_time_breaks_total', 1);
    this.membership.timeBroke();
    this.#beat.poke();
    if (brokenForMs < settings.selfStopMs) return;
    this.duty.timeBroke();
    this.fleet.doubtAll(clock.wallMs());
    this.#skew.forget();
    this.#scaling.askForAll();
    this.#scale.poke();
  }
}

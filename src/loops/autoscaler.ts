import type { Bucket } from '../domain/bucket.ts';
import { placeVersion } from '../sharding/place.ts';
import { Discover, type DiscoverSettings } from './discover.ts';
import { Duty, type TendSettings } from './duty.ts';
import { type Activation, Loop, type LoopStatus } from './loop.ts';
import type { MemberParts } from './member-parts.ts';
import { type BeatSettings, Membership } from './membership.ts';
import { buildScaling, type ScalingSettings } from './scale/build-scaling.ts';
import type { ClockSkew } from './scale/clock-skew.ts';
import type { Fleet } from './scale/fleet.ts';
import type { FreezeWatch } from './scale/freeze-watch.ts';
import type { Observer } from './scale/observe.ts';
import type { Recorder } from './scale/record.ts';
import type { Scale } from './scale/scale.ts';
import { TimeWatch } from './time-watch.ts';

export interface AutoscalerParts extends MemberParts {
  readonly settings: AutoscalerSettings;
  readonly onMembersChanged?: (count: number) => void;
}

/** Groups of the configuration, under its names: the configuration is passed whole. */
export type AutoscalerSettings = BeatSettings &
  TendSettings &
  DiscoverSettings &
  ScalingSettings & {
    readonly watchdog: { readonly missedPeriods: number; readonly hungMinMs: number };
  };

/** One member: its loops, in the order in which they depend on each other. */
export class Autoscaler {
  readonly membership: Membership;
  readonly duty: Duty;
  readonly fleet: Fleet;
  readonly observer: Observer;
  readonly recorder: Recorder;
  readonly freeze: FreezeWatch;
  readonly #parts: AutoscalerParts;
  readonly #skew: ClockSkew;
  readonly #scaling: Scale;
  readonly #timeWatch: TimeWatch;
  readonly #beat: Loop;
  readonly #tend: Loop;
  readonly #discover: Loop;
  readonly #scale: Loop;
  readonly #learn: Loop;

  constructor(parts: AutoscalerParts) {
    this.#parts = parts;
    const { store, clock, settings } = parts;
    this.membership = new Membership({
      ...parts,
      roster: store.roster,
      onShareChanged: () => {
        this.#scaling.shareChanged();
        this.#scale.poke();
      },
      onMembersChanged: (count) => parts.onMembersChanged?.(count),
    });
    this.duty = new Duty({
      ...parts,
      name: 'discovery',
      keeper: store.duties,
      onWon: () => this.#discover.poke(),
    });
    const discover = new Discover({ ...parts, duty: this.duty, catalogue: store.catalogue });
    const { fleet, observer, recorder, freeze, skew, scale, learn } = buildScaling({
      ...parts,
      membership: this.membership,
      onLooked: () => this.#learn.poke(),
    });
    this.fleet = fleet;
    this.observer = observer;
    this.recorder = recorder;
    this.freeze = freeze;
    this.#skew = skew;
    this.#scaling = scale;

    const { membership, discovery, scaling } = settings;
    this.#beat = this.#loop('beat', membership.beatMs, 'say that I am alive, notice who is not', this.membership);
    this.#tend = this.#loop('tend', discovery.dutyRenewMs, 'hold the discovery duty, or wait for it', this.duty);
    this.#discover = this.#loop(
      'discover',
      discovery.intervalMs,
      'find active function versions, under the duty',
      discover,
    );
    this.#scale = this.#loop(
      'scale',
      scaling.intervalMs,
      'read, decide and act for every version in my buckets',
      scale,
    );
    this.#learn = this.#loop('learn', scaling.intervalMs, 'read the past of versions that are new here', learn);
    this.#timeWatch = new TimeWatch({ clock, onBreak: (brokenForMs) => this.#timeBroke(brokenForMs) });
  }

  /** The bucket of a version of which only the id is known. */
  placeById(versionId: string): Bucket | undefined {
    const tracked = this.fleet.get(versionId);
    if (tracked) return tracked.version.bucket;
    return this.#parts.settings.timeseries.bucketLabel === undefined ? placeVersion(versionId) : undefined;
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
    if (name === 'scale') this.#scaling.requestFullPass();
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

  #loop(
    name: string,
    periodMs: number,
    purpose: string,
    worker: { activate: (activation: Activation) => Promise<void> },
  ): Loop {
    const { clock, logger, meters, settings } = this.#parts;
    const { hungMinMs, missedPeriods } = settings.watchdog;
    const hungAfterMs = Math.max(hungMinMs, periodMs * missedPeriods);
    const activate = (activation: Activation) => worker.activate(activation);
    return new Loop({ name, purpose, periodMs, hungAfterMs, clock, logger, meters, activate });
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
    const facts = { event: 'time.broke', brokenForMs: Math.round(brokenForMs) };
    logger.warn(facts, 'this process or its machine stood still');
    meters.add('starling_time_breaks_total', 1);
    this.membership.timeBroke();
    this.#beat.poke();
    if (brokenForMs < settings.membership.selfStopMs) return;
    this.duty.timeBroke();
    this.fleet.distrustAll(clock.wallMs());
    this.#skew.forget();
    this.#scaling.requestFullPass();
    this.#scale.poke();
  }
}

import type { Bucket } from '../domain/bucket.ts';
import { placeVersion } from '../sharding/place.ts';
import { Discover, type DiscoverSettings } from './discover.ts';
import { Duty, type TendSettings } from './duty.ts';
import { type Activation, Loop, type LoopStatus } from './loop.ts';
import type { MemberParts } from './member-parts.ts';
import { type BeatSettings, Membership } from './membership.ts';
import { buildScaling, type ScalingSettings } from './scale/build-scaling.ts';
import type { Fleet } from './scale/fleet.ts';
import type { FreezeWatch } from './scale/freeze-watch.ts';
import type { Observer } from './scale/observe.ts';
import type { Recorder } from './scale/record.ts';
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

const PURPOSES = {
  beat: 'say that I am alive, notice who is not',
  tend: 'hold the discovery duty, or wait for it',
  discover: 'find active function versions, under the duty',
  scale: 'read, decide and act for every version in my buckets',
  learn: 'read the past of versions that are new here',
} as const;
type LoopName = keyof typeof PURPOSES;

/** One member: its loops, in the order in which they depend on each other. */
export class Autoscaler {
  readonly membership: Membership;
  readonly duty: Duty;
  readonly fleet: Fleet;
  readonly observer: Observer;
  readonly recorder: Recorder;
  readonly freeze: FreezeWatch;
  readonly #parts: AutoscalerParts;
  readonly #scaling: ReturnType<typeof buildScaling>;
  readonly #timeWatch: TimeWatch;
  readonly #loops: Readonly<Record<LoopName, Loop>>;

  constructor(parts: AutoscalerParts) {
    this.#parts = parts;
    const { store, clock, settings } = parts;
    this.membership = new Membership({
      ...parts,
      roster: store.roster,
      onShareChanged: () => {
        this.#scaling.scale.shareChanged();
        this.#loops.scale.poke();
      },
      onMembersChanged: (count) => parts.onMembersChanged?.(count),
    });
    this.duty = new Duty({
      ...parts,
      name: 'discovery',
      keeper: store.duties,
      onWon: () => this.#loops.discover.poke(),
    });
    const discover = new Discover({ ...parts, duty: this.duty, catalogue: store.catalogue });
    const scaling = buildScaling({
      ...parts,
      membership: this.membership,
      onLooked: () => this.#loops.learn.poke(),
    });
    this.#scaling = scaling;
    this.fleet = scaling.fleet;
    this.observer = scaling.observer;
    this.recorder = scaling.recorder;
    this.freeze = scaling.freeze;

    const { membership, discovery, scaling: scalingSettings } = settings;
    this.#loops = {
      beat: this.#loop('beat', membership.beatMs, this.membership),
      tend: this.#loop('tend', discovery.dutyRenewMs, this.duty),
      discover: this.#loop('discover', discovery.intervalMs, discover),
      scale: this.#loop('scale', scalingSettings.intervalMs, scaling.scale),
      learn: this.#loop('learn', scalingSettings.intervalMs, scaling.learn),
    };
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
    for (const loop of Object.values(this.#loops)) loop.start();
  }

  loops(): LoopStatus[] {
    return Object.values(this.#loops).map((loop) => loop.status());
  }

  /** Makes a loop run now; false when there is none of that name. */
  poke(name: string): boolean {
    if (!Object.hasOwn(PURPOSES, name)) return false;
    if (name === 'scale') this.#scaling.scale.requestFullPass();
    this.#loops[name as LoopName].poke();
    return true;
  }

  /**
   * Hands over: the others hear at once that I am leaving and take my buckets within a poll; what is claimed is sent and
   * settled; then the duty is given back.
   */
  async stop(): Promise<void> {
    const { logger } = this.#parts;
    const { beat, tend, discover, scale, learn } = this.#loops;
    const forgive = (what: string) => (error: unknown) =>
      logger.warn({ event: 'stop.incomplete', what, err: error }, 'the others will notice by themselves');
    this.#timeWatch.stop();
    await beat.stop();
    await this.membership.leave('leaving').catch(forgive('leaving'));
    await Promise.all([scale, learn, discover, tend].map((loop) => loop.stop()));
    await this.duty.release().catch(forgive('duty'));
    await this.recorder.close();
    await this.membership.leave('left').catch(forgive('left'));
  }

  #loop(name: LoopName, periodMs: number, worker: { activate: (activation: Activation) => Promise<void> }): Loop {
    const { clock, logger, meters, settings } = this.#parts;
    const { hungMinMs, missedPeriods } = settings.watchdog;
    const hungAfterMs = Math.max(hungMinMs, periodMs * missedPeriods);
    const activate = (activation: Activation) => worker.activate(activation);
    return new Loop({ name, purpose: PURPOSES[name], periodMs, hungAfterMs, clock, logger, meters, activate });
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
    this.#loops.beat.poke();
    if (brokenForMs < settings.membership.selfStopMs) return;
    this.duty.timeBroke();
    this.fleet.distrustAll(clock.wallMs());
    this.#scaling.skew.forget();
    this.#scaling.scale.requestFullPass();
    this.#loops.scale.poke();
  }
}

import { decidingSettings } from '../../scaling/deciding-settings.ts';
import type { FreezeSettings } from '../../scaling/fleet-freeze.ts';
import { RareLog } from '../../telemetry/rare-log.ts';
import type { MemberParts } from '../member-parts.ts';
import type { Membership } from '../membership.ts';
import { Act, type ActSettings } from './act.ts';
import { ClockSkew, type ClockSkewSettings } from './clock-skew.ts';
import { CurrentControls } from './current-controls.ts';
import { Fleet, type FleetSettings } from './fleet.ts';
import { FreezeWatch } from './freeze-watch.ts';
import { Learn, type LearnSettings } from './learn.ts';
import { Observer, type ObserverSettings } from './observe.ts';
import { Recorder, type RecorderSettings } from './record.ts';
import { Scale, type ScaleSettings } from './scale.ts';

/** Groups of the configuration, under its names. */
export type ScalingSettings = ActSettings &
  FleetSettings &
  LearnSettings &
  ObserverSettings &
  RecorderSettings &
  ClockSkewSettings &
  Omit<ScaleSettings, 'deciding'> & {
    readonly scaling: { readonly convergeWithinMs: number };
    readonly freeze: FreezeSettings;
    readonly telemetry: { readonly logRepeatMs: number };
    /** Follows from the signal profiles. */
    readonly fadeMs: number;
  };

/** What the scale and learn loops of one member stand on, put together. */
export function buildScaling(
  parts: MemberParts & {
    membership: Membership;
    settings: ScalingSettings;
    /** Some versions were looked at; of those that are new here the past is to be learned. */
    onLooked: () => void;
  },
) {
  const { membership, store, clock, logger, settings } = parts;
  const rareLog = new RareLog({ clock, logger, everyMs: settings.telemetry.logRepeatMs });
  const observer = new Observer(settings);
  const fleet = new Fleet({
    catalogue: store.catalogue,
    states: store.states,
    settings,
    onForget: (versionId) => observer.forget(versionId),
  });
  const skew = new ClockSkew(parts);
  const freeze = new FreezeWatch({ ...parts, settings: settings.freeze });
  const recorder = new Recorder({ ...parts, ledger: store.ledger });
  const act = new Act({
    ...parts,
    states: store.states,
    rareLog,
    mayAct: (bucket) => membership.mayAct(bucket),
    onActed: (tracked, decision, actuation) => recorder.acted(tracked, decision, actuation),
  });
  const controls = new CurrentControls({ controls: store.controls, clock, rareLog });
  const deciding = decidingSettings({ ...settings.scaling, fadeMs: settings.fadeMs });
  const scale = new Scale({
    ...parts,
    settings: { ...settings, deciding },
    ...{ fleet, controls, skew, observer, act, freeze, recorder, rareLog },
  });
  const learn = new Learn({ ...parts, fleet, observer });
  return { fleet, observer, recorder, freeze, skew, scale, learn };
}

import pino from 'pino';
import { defaultPolicy } from '../../src/domain/policy.ts';
import { Autoscaler, type AutoscalerSettings } from '../../src/loops/autoscaler.ts';
import { FREEZE_DEFAULTS } from '../../src/scaling/fleet-freeze.ts';
import { silentMeters } from '../../src/telemetry/meters.ts';
import { FaultyStore, FaultyWorld } from './faulty-connection.ts';
import { FencedControlPlane } from './fenced-control-plane.ts';
import { HandWoundClock } from './hand-wound-clock.ts';
import { ScriptedSignals } from './scripted-signals.ts';

export const SETTINGS: AutoscalerSettings = {
  membership: { beatMs: 1_000, deadAfterMs: 6_000, selfStopMs: 3_000, joinWaitMs: 2_000 },
  discovery: {
    intervalMs: 15_000,
    ttlMs: 1_800_000,
    refreshAfterMs: 600_000,
    heldAfterMs: 600_000,
    jitterMs: 2_000,
    dutyRenewMs: 2_000,
    dutyStopMs: 6_000,
    dutyExpireMs: 9_000,
  },
  scaling: {
    intervalMs: 15_000,
    lookBackMs: 600_000,
    stepMs: 60_000,
    catalogueRefreshMs: 60_000,
    stateRefreshMs: 300_000,
    actuationConcurrency: 32,
    claimHoldMs: 5_000,
    claimDeadlineMs: 3_000,
    resendMs: 60_000,
    retryDelayMs: 1_000,
    retryDelayMaxMs: 60_000,
    goneDelayMaxMs: 600_000,
    convergeWithinMs: 600_000,
  },
  store: { forgetAfterMs: 30 * 86_400_000, ledgerFlushMs: 1_000, ledgerBuffer: 10_000 },
  timeseries: { profilePatienceMs: 600_000, clockSkewMaxMs: 30_000, bucketLabel: undefined },
  telemetry: { logRepeatMs: 60_000 },
  controlPlane: { targetsRefreshMs: 60_000 },
  watchdog: { missedPeriods: 4, hungMinMs: 60_000 },
  defaultPolicy: defaultPolicy('steps'),
  fadeMs: 0,
  freeze: FREEZE_DEFAULTS,
};

/** Members with real loops over a store, signals and a control plane in memory, on one hand-wound clock. */
export function aFleet(options: { settings?: Partial<AutoscalerSettings>; controlPlane?: FencedControlPlane } = {}) {
  const clock = new HandWoundClock();
  const world = new FaultyWorld({ clock });
  const signals = new ScriptedSignals(() => clock.wallMs());
  const controlPlane = options.controlPlane ?? new FencedControlPlane();
  let uuids = 0;

  /** Starts a member; `kill` ends it as kill -9 would. */
  function join(memberId: string, { weight = 1 } = {}) {
    const store = new FaultyStore(world, { name: memberId });
    const member = new Autoscaler({
      memberId,
      version: 'test',
      address: '',
      weight,
      store,
      reader: signals,
      targets: controlPlane,
      actuator: controlPlane,
      clock,
      random: { next: () => 0.5, uuid: () => `00000000-0000-4000-8000-${String(uuids++).padStart(12, '0')}` },
      logger: pino({ level: 'silent' }),
      meters: silentMeters,
      settings: { ...SETTINGS, ...options.settings },
    });
    member.start();
    return { member, store, kill: () => store.connection.kill() };
  }

  /** A version that runs and is discovered. */
  function run(
    versionId: string,
    series: { utilisation: number; instances: number; calls?: number },
    limits = {},
  ): void {
    signals.set(versionId, series);
    signals.discoverable.set(versionId, { functionId: 'f1', account: 'a1' });
    controlPlane.know({ versionId, ...limits });
  }

  return { clock, world, signals, controlPlane, join, run };
}

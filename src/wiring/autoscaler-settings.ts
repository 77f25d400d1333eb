import type { Config } from '../config/config.ts';
import type { AutoscalerSettings } from '../loops/autoscaler-settings.ts';
import { DECIDING_DEFAULTS } from '../scaling/deciding-settings.ts';

/** A refresh that came back three times empty-handed has made the answers "last known". */
const MISSED_REFRESHES = 3;

/** Blindness that outlasts a third of the fading has reached the rates, and cannot be told from a fall when it ends. */
const BLIND_SHARE = 1 / 3;

/** What the loops need of the configuration; `fadeMs` follows from the profiles. */
export function autoscalerSettings(config: Config, { fadeMs }: { fadeMs: number }): AutoscalerSettings {
  const {
    membership,
    discovery,
    scaling,
    store,
    freeze,
    controlPlane,
    telemetry,
    timeseries,
    watchdog,
    defaultPolicy,
  } = config;
  return {
    beatEveryMs: membership.beatMs,
    deadAfterMs: membership.deadAfterMs,
    selfStopMs: membership.selfStopMs,
    joinWaitMs: membership.joinWaitMs,
    discoverEveryMs: discovery.intervalMs,
    activeTtlMs: discovery.ttlMs,
    refreshAfterMs: discovery.refreshAfterMs,
    heldAfterMs: discovery.heldAfterMs,
    dutyJitterMs: discovery.jitterMs,
    dutyRenewMs: discovery.dutyRenewMs,
    dutyStopMs: discovery.dutyStopMs,
    dutyExpireMs: discovery.dutyExpireMs,
    scaleEveryMs: scaling.intervalMs,
    lookBackMs: scaling.lookBackMs,
    stepMs: scaling.stepMs,
    idleMs: defaultPolicy.idleTimeoutSeconds * 1000,
    catalogueRefreshMs: scaling.catalogueRefreshMs,
    stateRefreshMs: scaling.stateRefreshMs,
    forgetAfterMs: store.forgetAfterMs,
    bucketsAtOnce: scaling.actuationConcurrency,
    claimHoldMs: scaling.claimHoldMs,
    claimDeadlineMs: scaling.claimDeadlineMs,
    resendMs: scaling.resendMs,
    retryDelayMs: scaling.retryDelayMs,
    retryDelayMaxMs: scaling.retryDelayMaxMs,
    goneDelayMaxMs: scaling.goneDelayMaxMs,
    profilePatienceMs: timeseries.profilePatienceMs,
    logRepeatMs: telemetry.logRepeatMs,
    clockSkewMaxMs: timeseries.clockSkewMaxMs,
    targetStaleAfterMs: controlPlane.targetsRefreshMs * MISSED_REFRESHES,
    ledgerFlushMs: store.ledgerFlushMs,
    ledgerBuffer: store.ledgerBuffer,
    missedPeriods: watchdog.missedPeriods,
    hungMinMs: watchdog.hungMinMs,
    isPlacedByLabel: timeseries.bucketLabel !== undefined,
    defaultPolicy,
    deciding: {
      ...DECIDING_DEFAULTS,
      sampleStepMs: scaling.stepMs,
      fadeMs,
      blindToleranceMs: fadeMs > 0 ? fadeMs * BLIND_SHARE : DECIDING_DEFAULTS.blindToleranceMs,
      recoveryMs: Math.max(fadeMs, DECIDING_DEFAULTS.recoveryMs),
      // Two evaluations must never be further apart than what counts as a gap, or nothing would ever be lowered.
      memoryGapMs: Math.max(DECIDING_DEFAULTS.memoryGapMs, 3 * scaling.intervalMs),
      notConvergingAfterMs: scaling.convergeWithinMs,
    },
    freeze: freeze.enabled
      ? { percent: freeze.percent, versionsMin: freeze.minimum, calmMs: freeze.calmMs }
      : undefined,
  };
}

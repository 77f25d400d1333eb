/** What holds for all versions alike; what differs per version is its policy. */
export const DECIDING_DEFAULTS = {
  /** Distance of samples in the windows. Stickiness and decay count samples, and a minute is the unit they were made for. */
  stepMs: 60_000,
  /** How many evaluations after meeting a version without any memory may only hold or raise. */
  firstCycles: 2,
  /**
   * How long nothing is decided for a version of which instances were asked for and none is seen yet: as long as the
   * platform's own autoscaler remembers what it asked for.
   */
  inFlightMs: 300_000,
  /** A version whose actual count has differed from the wanted one for longer than this is reported as not converging. */
  convergeWithinMs: 600_000,
  /** Load unseen for longer than this makes its return suspect … */
  blindToleranceMs: 60_000,
  /** … and it must then be seen for this long before anything is lowered. */
  recoveryMs: 60_000,
  /**
   * How long load goes on fading once its source is silent: the span of the rates behind it. A rate over 75 s whose scrape
   * has died falls to nothing in as many seconds, with every sample as fresh as ever; so no decrease forgets what the aim
   * was that long ago. The reader of the signals knows the span; counters and gauges do not fade.
   */
  fadeMs: 0,
  /** An evaluation that comes this long after the one before starts its stabilisation window anew. */
  memoryGapMs: 120_000,
  /** The control plane's own instance count is used for this long after it was reported. */
  targetCountMaxAgeMs: 120_000,
  /** Whether an override may ask for more or less than the bounds allow. */
  overrideIgnoresBounds: false,
};

export type DecidingSettings = Readonly<typeof DECIDING_DEFAULTS>;

/** Blindness that outlasts a third of the fading has reached the rates, and looks like a fall when it ends. */
const BLIND_SHARE = 1 / 3;

/** The defaults, with what follows from the configuration (`scaling`) and from the signal profiles (`fadeMs`). */
export function decidingSettings(given: {
  intervalMs: number;
  stepMs: number;
  convergeWithinMs: number;
  fadeMs: number;
}): DecidingSettings {
  const { intervalMs, stepMs, convergeWithinMs, fadeMs } = given;
  return {
    ...DECIDING_DEFAULTS,
    stepMs,
    convergeWithinMs,
    fadeMs,
    blindToleranceMs: fadeMs > 0 ? fadeMs * BLIND_SHARE : DECIDING_DEFAULTS.blindToleranceMs,
    recoveryMs: Math.max(fadeMs, DECIDING_DEFAULTS.recoveryMs),
    // Two evaluations must never be further apart than what counts as a gap, or nothing would ever be lowered.
    memoryGapMs: Math.max(DECIDING_DEFAULTS.memoryGapMs, 3 * intervalMs),
  };
}

/** What holds for all versions alike; what differs per version is its policy. */
export interface DecidingSettings {
  /** Distance of samples in the windows. Stickiness and decay count samples, and a minute is the unit they were made for. */
  readonly sampleStepMs: number;
  /** How many evaluations after meeting a version without any memory may only hold or raise. */
  readonly firstCycles: number;
  /** How long nothing is decided for a version of which instances were asked for and none is seen yet. */
  readonly inFlightMs: number;
  /** Wanted and actual apart for longer than this is told as not converging. */
  readonly notConvergingAfterMs: number;
  /** Load unseen for longer than this makes its return suspect … */
  readonly blindToleranceMs: number;
  /** … and it must then be seen for this long before anything is lowered. */
  readonly recoveryMs: number;
  /**
   * How long load goes on fading once its source is silent: the span of the rates behind it. A rate over 75 s whose scrape
   * has died falls to nothing in as many seconds, with every sample as fresh as ever; so no decrease forgets what the aim
   * was that long ago.
   */
  readonly fadeMs: number;
  /** An evaluation that comes this long after the one before starts its stabilisation window anew. */
  readonly memoryGapMs: number;
  /** The control plane's own instance count is used for this long after it was told. */
  readonly targetCountMaxAgeMs: number;
  /** Whether an override may ask for more or less than the bounds allow. */
  readonly overrideIgnoresBounds: boolean;
}

export const DECIDING_DEFAULTS: DecidingSettings = {
  sampleStepMs: 60_000,
  firstCycles: 2,
  // As long as the platform's own autoscaler remembers what it asked for.
  inFlightMs: 300_000,
  notConvergingAfterMs: 600_000,
  blindToleranceMs: 60_000,
  recoveryMs: 60_000,
  // Whoever reads the signals knows; counters and gauges do not fade.
  fadeMs: 0,
  memoryGapMs: 120_000,
  targetCountMaxAgeMs: 120_000,
  overrideIgnoresBounds: false,
};

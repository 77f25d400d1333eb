import type { Policy } from '../domain/policy.ts';
import type { DecidingSettings } from '../scaling/deciding-settings.ts';
import type { FreezeSettings } from '../scaling/fleet-freeze.ts';

/** What the loops of one member go by. Where each comes from, and its default: src/config. */
export interface AutoscalerSettings {
  readonly beatEveryMs: number;
  readonly deadAfterMs: number;
  readonly selfStopMs: number;
  readonly joinWaitMs: number;
  readonly discoverEveryMs: number;
  readonly activeTtlMs: number;
  readonly refreshAfterMs: number;
  readonly heldAfterMs: number;
  readonly dutyJitterMs: number;
  readonly dutyRenewMs: number;
  readonly dutyStopMs: number;
  readonly dutyExpireMs: number;
  readonly scaleEveryMs: number;
  readonly lookBackMs: number;
  readonly stepMs: number;
  readonly idleMs: number;
  readonly catalogueRefreshMs: number;
  readonly stateRefreshMs: number;
  readonly forgetAfterMs: number;
  readonly bucketsAtOnce: number;
  readonly claimHoldMs: number;
  readonly claimDeadlineMs: number;
  readonly resendMs: number;
  readonly retryDelayMs: number;
  readonly retryDelayMaxMs: number;
  readonly goneDelayMaxMs: number;
  readonly profilePatienceMs: number;
  readonly logRepeatMs: number;
  readonly clockSkewMaxMs: number;
  readonly targetStaleAfterMs: number;
  readonly ledgerFlushMs: number;
  readonly ledgerBuffer: number;
  readonly missedPeriods: number;
  readonly hungMinMs: number;
  /** The metrics carry the bucket: an id alone does not tell it. */
  readonly isPlacedByLabel: boolean;
  readonly defaultPolicy: Policy;
  readonly deciding: DecidingSettings;
  readonly freeze: FreezeSettings | undefined;
}

import type { Logger } from 'pino';
import type { Clock } from '../../lib/clock.ts';
import type { Limiter } from '../../lib/limiter.ts';
import type { VersionRecord } from '../model/function-record.ts';
import type { PoolEvent, PoolListener } from '../model/pool-event.ts';
import type { InstanceBackend } from '../runtime/instance-backend.ts';
import type { MemoryLedger } from './memory-ledger.ts';
import type { ScalerOptions } from './scaler.ts';

export interface HostCapacity {
  readonly cpus: number;
  readonly memoryBytes: number;
}

export interface PoolLimits {
  /** The most instances of one pool, even where its operator allows more: eight for each CPU. */
  readonly instancesMax: number;
  /** What an instance may use, as a multiple of its function's memory: so much is reserved, and so much is enforced. */
  readonly memoryFactor: number;
  /** Memory refused: calls wait while an instance of the pool runs or memory is coming back, or are turned away at once. */
  readonly whenMemoryIsShort: 'wait' | 'refuse';
  /** May a call start an instance beyond a wish that holds? `hold`: only the first one, from zero. */
  readonly lazyAboveWish: 'grow' | 'hold';
  /** A start that takes longer has failed. */
  readonly startTimeoutMs: number;
  /** Scaling down takes only instances that were free for this long. */
  readonly scaleDownAfterIdleMs: number;
}

/** What all pools share. */
export interface PoolContext {
  readonly clock: Clock;
  readonly backend: InstanceBackend;
  readonly ledger: MemoryLedger;
  readonly limits: PoolLimits;
  readonly scaler: ScalerOptions;
  /** Starts that no call waits for take turns; a call's own start does not queue behind them. */
  readonly backgroundStarts: Limiter;
  readonly listener: PoolListener;
  /** The id of the next instance of a version; no two are ever alike. */
  readonly nameInstance: (version: VersionRecord) => string;
}

/** Faults are logged as warnings and errors, and everything else that happens to instances at the level `debug`. */
export function logPoolEvent(logger: Logger, event: PoolEvent): void {
  const { type, ...fields } = event;
  switch (event.type) {
    case 'breach':
      logger.error({ event: 'pool.breach', ...fields }, 'numbers that must agree do not');
      break;
    case 'start-failed':
    case 'stop-failed': {
      const { error, type: _, ...where } = event;
      logger.warn({ event: `pool.${type}`, ...where, err: error }, 'an instance failed');
      break;
    }
    default:
      logger.debug({ event: `pool.${type}`, ...fields }, type);
  }
}

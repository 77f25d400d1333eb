import type { Logger } from 'pino';
import type { PoolEvent } from '../model/pool-event.ts';

/** What happens to instances, for the log: what went wrong as such, and all else only for those who look closely. */
export function tellPoolEvent(logger: Logger, event: PoolEvent): void {
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

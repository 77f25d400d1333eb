import { GatedActuator } from '../adapters/wishes/gated-actuator.ts';
import type { WishSender } from '../adapters/wishes/wish-sender.ts';
import type { Config } from '../config/config.ts';
import type { ConnectionTools } from './connection-tools.ts';

/** Wishes to one control plane, within what is configured for any of them. */
export function openActuator(
  sender: WishSender,
  { controlPlane }: Config,
  { clock, random, meters }: Pick<ConnectionTools, 'clock' | 'random' | 'meters'>,
): GatedActuator {
  return new GatedActuator({
    sender,
    clock,
    random,
    meters,
    timeoutMs: controlPlane.timeoutMs,
    ratePerSecond: controlPlane.ratePerSecond,
    burst: controlPlane.burst,
    raiseShare: controlPlane.raiseShare,
    breaker: { failures: controlPlane.breaker.failures, openForMs: controlPlane.breaker.openForMs },
    isDryRun: controlPlane.dryRun,
    dryRunIds: controlPlane.dryRunFunctions,
  });
}

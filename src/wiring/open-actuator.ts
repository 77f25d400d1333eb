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
  const { timeoutMs, ratePerSecond, burst, raiseShare, breaker, dryRun: isDryRun, dryRunFunctions } = controlPlane;
  const limits = { timeoutMs, ratePerSecond, burst, raiseShare, breaker };
  return new GatedActuator({ sender, clock, random, meters, ...limits, isDryRun, dryRunIds: dryRunFunctions });
}

import { type Command, Option as Flag, InvalidArgumentError } from 'commander';
import { durationKind } from '../../config/value-kind.ts';
import type { EngineOptions } from '../../platform/router/open-engine.ts';
import { readAs, wholeNumber } from '../value-flags.ts';

/** The platform's own scaling rules, in force while the autoscaler sets no count. */
export interface ScalingRuleFlags {
  readonly scaleUpEvery: number;
  readonly scaleUpQueue: number;
  readonly scaleUpStep: number;
  readonly scaleUpLatency: number | undefined;
  readonly scaleUpErrors: number | undefined;
  readonly reapEvery: number;
}

const COUNT = { min: 1, max: 999_999 };
const OFF = Number.POSITIVE_INFINITY;

export function addScalingRuleFlags(command: Command): void {
  command
    .addOption(
      new Flag('--scale-up-every <duration>', 'how often the rules for queues, slowness and errors look')
        .argParser(readDuration)
        .default(5_000, '5s'),
    )
    .option('--scale-up-queue <calls>', 'more that wait start instances', wholeNumber(COUNT), 10)
    .option('--scale-up-step <instances>', 'the most at a time', wholeNumber(COUNT), 3)
    .option('--scale-up-latency <duration>', 'a greater mean starts instances (default: none does)', readDuration)
    .option(
      '--scale-up-errors <share>',
      'a greater share of failed calls starts instances, 0 to 1 (default: none does)',
      readShare,
    )
    .addOption(
      new Flag('--reap-every <duration>', 'how often instances are looked at whose time is over')
        .argParser(readDuration)
        .default(30_000, '30s'),
    );
}

export function scalingRulesOf(flags: ScalingRuleFlags): Pick<EngineOptions, 'scaler' | 'reapEveryMs'> {
  return {
    reapEveryMs: flags.reapEvery,
    scaler: {
      queueRuleEveryMs: flags.scaleUpEvery,
      queueRuleLimits: {
        queuedMax: flags.scaleUpQueue,
        stepMax: flags.scaleUpStep,
        meanLatencyMaxMs: flags.scaleUpLatency ?? OFF,
        errorShareMax: flags.scaleUpErrors ?? OFF,
      },
    },
  };
}

function readDuration(text: string): number {
  const ms = readAs(durationKind)(text);
  if (ms > 0) return ms;
  throw new InvalidArgumentError('It must be more than nothing.');
}

function readShare(text: string): number {
  const share = /^[0-9]*\.?[0-9]+$/.test(text) ? Number(text) : Number.NaN;
  if (share <= 1) return share;
  throw new InvalidArgumentError('It must be a number from 0 to 1, such as 0.05.');
}

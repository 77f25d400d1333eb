import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import {
  addScalingRuleFlags,
  type ScalingRuleFlags,
  scalingRulesOf,
} from '../../../src/commands/platform/scaling-rule-flags.ts';

function read(...args: string[]) {
  const command = new Command().exitOverride().configureOutput({ writeErr: () => {} });
  addScalingRuleFlags(command);
  return scalingRulesOf(command.parse(args, { from: 'user' }).opts<ScalingRuleFlags>());
}

describe('the flags of the built-in rules', () => {
  it('are by default what the orchestrator documents', () => {
    expect(read()).toEqual({
      reapEveryMs: 30_000,
      scaler: {
        queueRuleEveryMs: 5_000,
        queueRuleLimits: {
          queuedMax: 10,
          stepMax: 3,
          meanLatencyMaxMs: Number.POSITIVE_INFINITY,
          errorShareMax: Number.POSITIVE_INFINITY,
        },
      },
    });
  });

  it('are settings, all of them', () => {
    const told = read(
      ...['--scale-up-every', '2s', '--scale-up-queue', '4', '--scale-up-step', '7'],
      ...['--scale-up-latency', '250ms', '--scale-up-errors', '0.05', '--reap-every', '1m'],
    );
    expect(told).toEqual({
      reapEveryMs: 60_000,
      scaler: {
        queueRuleEveryMs: 2_000,
        queueRuleLimits: { queuedMax: 4, stepMax: 7, meanLatencyMaxMs: 250, errorShareMax: 0.05 },
      },
    });
  });

  it.each([
    ['--scale-up-every', '0s', 'more than nothing'],
    ['--reap-every', '30', 'a duration with its unit'],
    ['--scale-up-queue', '0', 'a whole number from 1'],
    ['--scale-up-step', '1.5', 'a whole number from 1'],
    ['--scale-up-errors', '5', 'a number from 0 to 1'],
    ['--scale-up-errors', '1e-2', 'a number from 0 to 1'],
  ])('refuses %s %s', (flag, value, message) => {
    expect(() => read(flag, value)).toThrow(message);
  });
});

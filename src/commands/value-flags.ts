import { type Command, Option as Flag, InvalidArgumentError } from 'commander';
import { durationKind, type ValueKind } from '../config/value-kind.ts';
import { LevelFilter } from '../telemetry/log-levels.ts';

/** Values of flags that are not options of the configuration. */

/** Reads a flag as the configuration reads such values. */
export function readAs<T>(kind: ValueKind<T>): (text: string) => T {
  return (text) => {
    try {
      return kind.finish(kind.read(text));
    } catch (error) {
      throw new InvalidArgumentError(`It must be ${(error as Error).message}.`);
    }
  };
}

export function wholeNumber({ min, max }: { min: number; max: number }): (text: string) => number {
  return (text) => {
    const number = /^[0-9]{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (number >= min && number <= max) return number;
    throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
  };
}

export function durationFlag(flag: string, description: string, defaultMs: number, { minMs = 0 } = {}): Flag {
  return new Flag(flag, description)
    .argParser((text) => {
      const ms = readAs(durationKind)(text);
      if (ms < minMs) throw new InvalidArgumentError(`It must be ${minMs} ms or more.`);
      return ms;
    })
    .default(defaultMs, `${defaultMs / 1_000}s`);
}

export function readLabelName(text: string): string {
  if (/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(text)) return text;
  throw new InvalidArgumentError('It must be a name as Prometheus has them.');
}

/** One of several `name=value`. */
export function collectLabel(text: string, before: Readonly<Record<string, string>>): Record<string, string> {
  const split = text.indexOf('=');
  if (split < 1) throw new InvalidArgumentError('It must be name=value.');
  return { ...before, [readLabelName(text.slice(0, split))]: text.slice(split + 1) };
}

export interface LogFlags {
  readonly logLevel: string;
  readonly logFormat: 'auto' | 'json' | 'pretty';
}

export function addLogFlags(command: Command): Command {
  return command
    .option('--log-level <level>', 'debug, info, warn, error; or info,module=debug', readLevels, 'info')
    .addOption(new Flag('--log-format <format>', 'how to log').choices(['auto', 'json', 'pretty']).default('auto'));
}

function readLevels(text: string): string {
  try {
    new LevelFilter(text);
    return text;
  } catch (error) {
    throw new InvalidArgumentError(`${(error as Error).message}.`);
  }
}

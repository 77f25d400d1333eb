import { type Command, Option as Flag, InvalidArgumentError } from 'commander';
import { sizeKind, urlKind } from '../../config/value-kind.ts';
import type { ProfilingSettings } from '../../platform/profiling/open-profiling.ts';
import { PROFILE_TYPES, type ProfileType } from '../../platform/profiling/profile-type.ts';
import { readAs } from '../value-flags.ts';

export interface ProfilingFlags {
  readonly profile: readonly ProfileType[] | 'off' | undefined;
  readonly pyroscope: string | undefined;
  readonly pyroscopeApplication: string;
  readonly pyroscopeTenant: string | undefined;
  readonly profileAllocationStep: number;
}

const TOKEN_VARIABLE = 'STARLING_PYROSCOPE_TOKEN';

export function addProfilingFlags(command: Command): void {
  command
    .addOption(
      new Flag(
        '--profile <types>',
        `what may be profiled at /debug/pprof: ${PROFILE_TYPES.join(',')}, all or off (default: off; all with --pyroscope)`,
      ).argParser(readTypes),
    )
    .addOption(
      new Flag('--pyroscope <url>', 'profile all the time, and push it there')
        .argParser(readAs(urlKind))
        .env('PYROSCOPE_URL'),
    )
    .option('--pyroscope-application <name>', 'what profiles are filed under', 'starling-platform')
    .option('--pyroscope-tenant <id>', 'where Pyroscope keeps several apart')
    .addOption(
      new Flag('--profile-allocation-step <size>', 'about one stack is kept for so much that is allocated')
        .argParser(readSize)
        .default(512 * 1024, '512KiB'),
    );
}

/** Undefined: nothing is profiled. The token comes from the environment, for flags are shown to everybody. */
export function profilingOf(
  flags: ProfilingFlags,
  { env, labels }: { env: NodeJS.ProcessEnv; labels: Readonly<Record<string, string>> },
): ProfilingSettings | undefined {
  const { profile = flags.pyroscope === undefined ? 'off' : PROFILE_TYPES } = flags;
  if (profile === 'off') return undefined;
  return {
    types: profile,
    allocationStepBytes: flags.profileAllocationStep,
    pyroscope:
      flags.pyroscope === undefined
        ? undefined
        : {
            url: flags.pyroscope,
            application: flags.pyroscopeApplication,
            tenant: flags.pyroscopeTenant,
            token: env[TOKEN_VARIABLE] || undefined,
            labels,
          },
  };
}

function readTypes(text: string): readonly ProfileType[] | 'off' {
  if (text === 'off') return 'off';
  if (text === 'all') return PROFILE_TYPES;
  const names = text.split(',');
  const types = PROFILE_TYPES.filter((type) => names.includes(type));
  if (types.length === 0 || types.length !== names.length) {
    throw new InvalidArgumentError(`It must be all, off, or some of ${PROFILE_TYPES.join(',')}.`);
  }
  return types;
}

function readSize(text: string): number {
  const bytes = readAs(sizeKind)(text);
  if (bytes >= 1_024) return bytes;
  throw new InvalidArgumentError('It must be 1KiB or more.');
}

import { type Command, Option as Flag } from 'commander';
import { isSwitch, LEAF_BY_FLAG, LEAVES } from '../config/declarations.ts';
import type { ConfigInput, LoadedConfig } from '../config/load-config.ts';

/** The few that most people need; the others work too and are listed in docs/configuration.md. */
const SHOWN = new Set([
  'store.url',
  'timeseries.url',
  'controlPlane.url',
  'controlPlane.dryRun',
  'http.admin',
  'http.health',
  'http.metrics',
  'telemetry.logLevel',
  'telemetry.logFormat',
]);

/** Gives a command every option as a flag, and the flags that carry files and single keys. */
export function addConfigFlags(command: Command): Command {
  command
    .option('-c, --config <file>', 'YAML file with options; may be repeated, the later wins', collect)
    .option('--set <key=value>', 'one option by its key; may be repeated', collect);
  for (const leaf of LEAVES) {
    for (const flag of leaf.flags) {
      const isShown = SHOWN.has(leaf.key) && flag === leaf.flags.at(-1);
      const value = isSwitch(leaf) ? '[true|false]' : '<value>';
      const option = new Flag(`--${flag} ${value}`, leaf.option.doc).hideHelp(!isShown);
      // A switch alone means yes; it stays text, because the configuration reads text from every side.
      command.addOption(isSwitch(leaf) ? option.preset('true') : option);
    }
  }
  return command.addHelpText(
    'after',
    '\nEvery option of docs/configuration.md is a flag too, such as --scaling-interval 30s. starling config shows them all.',
  );
}

/** Reads what `addConfigFlags` declared, together with the environment. Rejects with a ConfigError. */
export async function configOf(command: Command): Promise<LoadedConfig> {
  const { loadConfig } = await import('../config/load-config.ts');
  return loadConfig({ ...settingsOf(command), env: process.env });
}

/** The options of the command line, without the environment. */
export function settingsOf(command: Command): Pick<ConfigInput, 'files' | 'flags' | 'set'> {
  const given = command.optsWithGlobals<Record<string, unknown> & { config?: string[]; set?: string[] }>();
  const flags: Record<string, string> = {};
  for (const flag of LEAF_BY_FLAG.keys()) {
    const value = given[attributeName(flag)];
    if (typeof value === 'string') flags[flag] = value;
  }
  return { ...(given.config && { files: given.config }), flags, set: given.set ?? [] };
}

/** As commander names the value of a flag. */
function attributeName(flag: string): string {
  return new Flag(`--${flag} <value>`).attributeName();
}

/** Commander's own variadic flags would swallow the arguments behind them. */
function collect(value: string, before: string[] = []): string[] {
  return [...before, value];
}

import { type Command, Option as Flag } from 'commander';
import { stringify } from 'yaml';
import { systemClock } from '../adapters/system/clock.ts';
import type { LoadedConfig } from '../config/load-config.ts';
import { Secrets } from '../config/secrets.ts';
import { systemRandom } from '../lib/random.ts';
import { createLogs } from '../telemetry/logger.ts';
import { silentMeters } from '../telemetry/meters.ts';
import type { OpenStoreTools } from './open-store.ts';

/** What the commands that only look have in common. */

export type OutputFormat = 'table' | 'json' | 'yaml';

export function addOutputFlag(command: Command): Command {
  return command.addOption(
    new Flag('-o, --output <format>', 'how to print it').choices(['table', 'json', 'yaml']).default('table'),
  );
}

/** The one thing on standard output: text for people, or a document for machines. */
export function printAs(format: OutputFormat, document: unknown, table: () => string): void {
  const text =
    format === 'json'
      ? `${JSON.stringify(document, null, 2)}\n`
      : format === 'yaml'
        ? stringify(document)
        : `${table()}\n`;
  process.stdout.write(text);
}

/** Opens what a command needs and closes it whatever happens. Logs go to standard error and only when something is wrong. */
export async function withTools<T>(
  loaded: LoadedConfig,
  work: (tools: OpenStoreTools, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const logger = createLogs({ level: 'error', to: 'stderr', format: loaded.config.telemetry.logFormat }).root;
  const secrets = new Secrets({ clock: systemClock });
  const interrupted = new AbortController();
  const onSignal = () => interrupted.abort();
  process.once('SIGINT', onSignal);
  try {
    return await work(
      { secrets, clock: systemClock, random: systemRandom, meters: silentMeters, logger },
      interrupted.signal,
    );
  } finally {
    process.off('SIGINT', onSignal);
    secrets.close();
  }
}

import type { Command } from 'commander';
import { EXIT, type ExitCode } from '../wiring/exit-codes.ts';
import { addConfigFlags, configOf } from './config-flags.ts';
import { addOutputFlag, type OutputFormat, printAs } from './output.ts';

/** `starling migrate`: brings the tables of the store to what this version needs. Safe to repeat, and to run several times at once. */
export function declareMigrate(command: Command, end: (code: ExitCode) => void): void {
  command.option('--print-only', 'print the statements and run none');
  addOutputFlag(addConfigFlags(command)).action(async () => {
    const { printOnly = false, output } = command.opts<{ printOnly?: boolean; output: OutputFormat }>();
    const loaded = await configOf(command);
    const { migrateStore } = await import('../wiring/migrate-store.ts');
    const { report, summary } = await migrateStore(loaded, { isDryRun: printOnly });
    await printAs(output, report, () => summary);
    end(EXIT.ok);
  });
}

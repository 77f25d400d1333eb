import { type Command, Option as Flag } from 'commander';
import { EXIT, type ExitCode } from '../wiring/exit-codes.ts';
import { addAdminFlags, adminClient } from './admin-flags.ts';
import { arrange, fleetColumns, isAnyNamed, noRowsText, readFleet, SORTS, type Sort, showRow } from './fleet-table.ts';
import { addOutputFlag, type OutputFormat, printAs } from './output.ts';
import { textTable } from './text-table.ts';

/** `starling functions`: every active function version of the fleet, as it stands. */
export function declareFunctions(command: Command, end: (code: ExitCode) => void): void {
  command
    .option('-m, --match <text>', 'only those with this in their name or in the id of version, function or account', '')
    .addOption(new Flag('--sort <by>', 'largest or newest first, or by name').choices(SORTS).default('name'));
  addOutputFlag(addAdminFlags(command)).action(async () => {
    const { match, sort, output } = command.opts<{ match: string; sort: Sort; output: OutputFormat }>();
    const rows = arrange((await readFleet(adminClient(command))).rows, { match, sort });
    await printAs(output, { items: rows.map(showRow) }, () =>
      rows.length > 0
        ? textTable(fleetColumns({ nowMs: Date.now(), isNamed: isAnyNamed(rows) }), rows).join('\n')
        : noRowsText(match),
    );
    end(EXIT.ok);
  });
}

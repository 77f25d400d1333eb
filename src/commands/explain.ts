import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import type { LedgerEntry } from '../domain/ledger-entry.ts';
import { tellReason } from '../domain/tell.ts';
import { showEntry } from '../http/admin/show.ts';
import { addConfigFlags, configOf } from './config-flags.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { addOutputFlag, type OutputFormat, printAs, withTools } from './look.ts';
import { openStore } from './open-store.ts';

const LIMIT_MAX = 1_000;

/** `starling explain`: what was decided for a version and why, from the ledger. */
export function declareExplainCommand(program: Command, end: (code: ExitCode) => void): void {
  const command = program
    .command('explain')
    .description('tell what was decided for a function version, what came of it, and why')
    .argument('<function-version>', 'the version id')
    .option('-n, --limit <count>', 'how many decisions, newest first', readLimit, 10);
  addOutputFlag(addConfigFlags(command)).action(async (versionId: string) => {
    const { limit, output } = command.opts<{ limit: number; output: OutputFormat }>();
    const loaded = configOf(command);
    await withTools(loaded, async (tools) => {
      const store = await openStore(loaded.config, tools);
      try {
        const entries = await store.ledger.recall(versionId, { limit });
        printAs(output, { versionId, decisions: entries.map(showEntry) }, () => tell(versionId, entries));
        end(entries.length > 0 ? EXIT.ok : EXIT.checkFalse);
      } finally {
        await store.close();
      }
    });
  });
}

function readLimit(text: string): number {
  const limit = Number(text);
  if (Number.isInteger(limit) && limit >= 1 && limit <= LIMIT_MAX) return limit;
  throw new InvalidArgumentError(`give a whole number from 1 to ${LIMIT_MAX}`);
}

function tell(versionId: string, entries: readonly LedgerEntry[]): string {
  if (entries.length > 0) return entries.map(tellEntry).join('\n\n');
  return [
    `nothing is recorded for ${versionId}.`,
    'Only what is new is recorded: a version that was met and left as it is has no entry.',
    'starling evaluate decides for it now; starling doctor tells whether it is found at all.',
  ].join('\n');
}

function tellEntry(entry: LedgerEntry): string {
  const { verdict, previous, wanted, actual, outcome, token, detail } = entry;
  const count = (value: number | undefined) => value ?? '?';
  const change =
    verdict === 'raise' || verdict === 'lower' ? `${count(previous)} -> ${count(wanted)}` : `${count(wanted)}`;
  const ending = outcome === undefined ? '' : `, ${outcome}${token === undefined ? '' : ` under token ${token}`}`;
  return [
    `${new Date(entry.atMs).toISOString()}  ${verdict} ${change} (running: ${count(actual)})${ending}`,
    ...(detail === '' ? [] : [`  control plane: ${detail}`]),
    `  by ${entry.policy}`,
    ...entry.reasons.map((reason) => `  - ${tellReason(reason)}`),
  ].join('\n');
}

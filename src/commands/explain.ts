import { type Command, InvalidArgumentError } from 'commander';
import { printableLine } from '../lib/printable.ts';
import { EXIT, type ExitCode } from '../wiring/exit-codes.ts';
import { addConfigFlags, configOf } from './config-flags.ts';
import { addOutputFlag, type OutputFormat, printAs } from './output.ts';

const LIMIT_MAX = 1_000;

/** `starling explain`: what was decided for a version and why, from the ledger. */
export function declareExplain(command: Command, end: (code: ExitCode) => void): void {
  command
    .argument('<function-version>', 'the version id, or how it begins')
    .option('-n, --limit <count>', 'how many decisions, newest first', readLimit, 10);
  addOutputFlag(addConfigFlags(command)).action(async (given: string) => {
    const { limit, output } = command.opts<{ limit: number; output: OutputFormat }>();
    const loaded = await configOf(command);
    const [{ explain }, { tellEntries }] = await Promise.all([import('./explain-version.ts'), import('./tell.ts')]);
    const { versionId, document, entries } = await explain(loaded, given, { limit });
    if (versionId !== given) process.stderr.write(`${printableLine(versionId)}\n`);
    await printAs(output, document, () => tellEntries(versionId, entries));
    end(entries.length > 0 ? EXIT.ok : EXIT.checkFalse);
  });
}

function readLimit(text: string): number {
  const limit = Number(text);
  if (Number.isInteger(limit) && limit >= 1 && limit <= LIMIT_MAX) return limit;
  throw new InvalidArgumentError(`It must be a whole number from 1 to ${LIMIT_MAX}.`);
}

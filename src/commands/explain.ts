import type { Command } from 'commander';
import type { LoadedConfig } from '../config/load-config.ts';
import type { LedgerEntry } from '../domain/ledger-entry.ts';
import { printableLine } from '../lib/printable.ts';
import { EXIT, type ExitCode } from '../wiring/exit-codes.ts';
import { addConfigFlags, configOf } from './config-flags.ts';
import { addOutputFlag, type OutputFormat, printAs } from './output.ts';
import { wholeNumber } from './value-flags.ts';

const LIMIT_MAX = 1_000;

/** `starling explain`: what was decided for a version and why, from the ledger. */
export function declareExplain(command: Command, end: (code: ExitCode) => void): void {
  command
    .argument('<function-version>', 'the version id, or how it begins')
    .option('-n, --limit <count>', 'how many decisions, newest first', wholeNumber({ min: 1, max: LIMIT_MAX }), 10);
  addOutputFlag(addConfigFlags(command)).action(async (given: string) => {
    const { limit, output } = command.opts<{ limit: number; output: OutputFormat }>();
    const { versionId, entries } = await recall(await configOf(command), given, { limit });
    if (versionId !== given) process.stderr.write(`${printableLine(versionId)}\n`);
    const [{ showEntry }, { whyNot }, { entriesText }] = await Promise.all([
      import('../http/admin/show.ts'),
      import('../domain/reason-text.ts'),
      import('./decision-text.ts'),
    ]);
    const decisions = entries.map((entry) => ({ ...showEntry(entry), whyNot: whyNot(entry) }));
    await printAs(output, { versionId, decisions }, () => entriesText(versionId, entries));
    end(entries.length > 0 ? EXIT.ok : EXIT.checkFalse);
  });
}

/** The newest entries of the ledger about the version with this id, or the active one whose id begins so. */
async function recall(
  loaded: LoadedConfig,
  given: string,
  { limit }: { limit: number },
): Promise<{ versionId: string; entries: readonly LedgerEntry[] }> {
  const [{ withExistingStore, withTools }, { findByBeginning }] = await Promise.all([
    import('../wiring/read-only-tools.ts'),
    import('../wiring/find-version.ts'),
  ]);
  return withTools(loaded, (tools) =>
    withExistingStore(loaded.config, tools, async (store) => {
      const own = await store.ledger.recall(given, { limit });
      // The ledger remembers longer than a version is active, so it is asked first.
      const version = own.length > 0 ? undefined : await findByBeginning(store, given);
      if (!version || version.versionId === given) return { versionId: given, entries: own };
      const { versionId } = version;
      return { versionId, entries: await store.ledger.recall(versionId, { limit }) };
    }),
  );
}

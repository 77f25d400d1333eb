import type { LoadedConfig } from '../config/load-config.ts';
import type { LedgerEntry } from '../domain/ledger-entry.ts';
import { whyNot } from '../domain/why-not.ts';
import { showEntry } from '../http/admin/show.ts';
import { withExistingStore, withTools } from './look.ts';

/** The newest entries of the ledger about one version, and the same as a document. */
export async function explain(
  loaded: LoadedConfig,
  versionId: string,
  { limit }: { limit: number },
): Promise<{ entries: readonly LedgerEntry[]; document: object }> {
  const entries = await withTools(loaded, (tools) =>
    withExistingStore(loaded.config, tools, (store) => store.ledger.recall(versionId, { limit })),
  );
  const decisions = entries.map((entry) => ({ ...showEntry(entry), whyNot: whyNot(entry) }));
  return { entries, document: { versionId, decisions } };
}

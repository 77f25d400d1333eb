import type { LoadedConfig } from '../config/load-config.ts';
import type { LedgerEntry } from '../domain/ledger-entry.ts';
import { whyNot } from '../domain/reason-text.ts';
import { showEntry } from '../http/admin/show.ts';
import { findByBeginning } from './find-version.ts';
import { withExistingStore, withTools } from './look.ts';

export interface Explained {
  readonly versionId: string;
  readonly entries: readonly LedgerEntry[];
  readonly document: object;
}

/** The newest entries of the ledger about the version with this id, or the active one whose id begins so. */
export async function explain(loaded: LoadedConfig, given: string, { limit }: { limit: number }): Promise<Explained> {
  const { versionId, entries } = await withTools(loaded, (tools) =>
    withExistingStore(loaded.config, tools, async (store) => {
      const own = await store.ledger.recall(given, { limit });
      // The ledger remembers longer than a version is active, so it is asked first.
      const version = own.length > 0 ? undefined : await findByBeginning(store, given);
      if (!version || version.versionId === given) return { versionId: given, entries: own };
      const { versionId } = version;
      return { versionId, entries: await store.ledger.recall(versionId, { limit }) };
    }),
  );
  const decisions = entries.map((entry) => ({ ...showEntry(entry), whyNot: whyNot(entry) }));
  return { versionId, entries, document: { versionId, decisions } };
}

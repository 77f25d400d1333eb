import type { LedgerEntry } from '../domain/ledger-entry.ts';

/** Remembers decisions for people. Append only; losing some harms nobody. */
export interface Ledger {
  record(entries: readonly LedgerEntry[]): Promise<void>;
  /** Newest first. `beforeMs` is exclusive. */
  recall(versionId: string, options: { limit: number; beforeMs?: number | undefined }): Promise<LedgerEntry[]>;
}

import type { LedgerEntry } from '../../domain/ledger-entry.ts';
import type { Ledger } from '../../ports/ledger.ts';
import type { Line } from './line.ts';

export class MemoryLedger implements Ledger {
  readonly #line: Line;

  constructor(line: Line) {
    this.#line = line;
  }

  record(entries: readonly LedgerEntry[]): Promise<void> {
    return this.#line.call('ledger.record', () => {
      const { ledger } = this.#line.world;
      for (const entry of entries) {
        const kept = ledger.get(entry.versionId);
        if (kept) kept.push(entry);
        else ledger.set(entry.versionId, [entry]);
      }
    });
  }

  recall(versionId: string, options: { limit: number; beforeMs?: number | undefined }): Promise<LedgerEntry[]> {
    const beforeMs = options.beforeMs ?? Number.POSITIVE_INFINITY;
    return this.#line.call('ledger.recall', () =>
      (this.#line.world.ledger.get(versionId) ?? [])
        .filter(({ atMs }) => atMs < beforeMs)
        .sort((one, other) => other.atMs - one.atMs)
        .slice(0, options.limit),
    );
  }
}

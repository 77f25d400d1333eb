import { z } from 'zod';
import type { AdminClient } from '../../../wiring/fleet/admin-client.ts';

/** Far more than come between two looks, also when some looks failed. */
const ENTRIES = 50;

const entriesSchema = z.object({
  items: z.array(
    z.object({
      verdict: z.string(),
      previous: z.number().nullable(),
      wanted: z.number().nullable(),
      token: z.string().nullable(),
      outcome: z.string().nullable(),
    }),
  ),
});

/** A raise or a lower that the autoscaler decided on and the control plane took. */
export interface AppliedChange {
  readonly previous: number;
  readonly wanted: number;
}

/** Reads from the ledger what the autoscaler changed since the last call. What the platform does by itself is not in it. */
export class AppliedChanges {
  readonly #admin: AdminClient;
  /** The tokens that were returned, by version. Not the newest alone: two replicas write their entries independently. */
  readonly #returned = new Map<string, Set<string>>();

  constructor(admin: AdminClient) {
    this.#admin = admin;
  }

  /** Oldest first. Of an earlier demo too, the first time that a version is asked for. */
  async take(versionId: string): Promise<AppliedChange[]> {
    const path = `/v1/functions/${encodeURIComponent(versionId)}/decisions?limit=${ENTRIES}`;
    const { items } = await this.#admin.get(path, entriesSchema);
    const returned = this.#returned.get(versionId) ?? new Set();
    this.#returned.set(versionId, returned);
    const changes: AppliedChange[] = [];
    for (const { verdict, previous, wanted, token, outcome } of items.reverse()) {
      if ((verdict !== 'raise' && verdict !== 'lower') || outcome !== 'applied') continue;
      if (previous === null || wanted === null || token === null || returned.has(token)) continue;
      returned.add(token);
      changes.push({ previous, wanted });
    }
    return changes;
  }
}

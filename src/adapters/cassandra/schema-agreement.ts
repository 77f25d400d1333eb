import type { Client, Host } from 'cassandra-driver';
import { type Clock, sleep } from '../../lib/clock.ts';
import { StoreError } from '../../ports/store-error.ts';

const POLL_MS = 100;
const PATIENCE_MS = 15_000;

/**
 * The node that changes the schema: the same one for every member that sees the same nodes. Two nodes that create one table at
 * once give it two identities, which only an operator can mend.
 */
export function schemaNode(client: Client): { host: Host } | Record<never, never> {
  const [host] = client.hosts
    .values()
    .filter((each) => each.isUp())
    .sort((one, other) => (one.hostId.toString() < other.hostId.toString() ? -1 : 1));
  return host ? { host } : {};
}

/**
 * Waits until all nodes have the same schema. The driver waits after a change of its own only, and `IF NOT EXISTS` is no
 * change where another client was faster: then some nodes may not know yet what this one is about to use.
 */
export async function untilSchemaAgreed(
  client: Client,
  { clock, what }: { clock: Clock; what: string },
): Promise<void> {
  const endMs = clock.monotonicMs() + PATIENCE_MS;
  while (!(await isAgreed(client))) {
    if (clock.monotonicMs() >= endMs) {
      throw new StoreError(
        'unknown',
        `${what}: the nodes do not agree on the schema. Are all of them up? Run it again`,
      );
    }
    await sleep(clock, POLL_MS);
  }
}

/** Asks the node that makes the changes: any other could know of none yet, and find everybody agreeing. */
async function isAgreed(client: Client): Promise<boolean> {
  const options = { prepare: false, isIdempotent: true, ...schemaNode(client) };
  const told = await Promise.all(
    ['local', 'peers'].map((table) => client.execute(`SELECT schema_version FROM system.${table}`, [], options)),
  );
  const versions = told.flatMap(({ rows }) => rows.map((row) => String(row['schema_version'])));
  return new Set(versions).size === 1;
}

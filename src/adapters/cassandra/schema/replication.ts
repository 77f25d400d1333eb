import type { Client } from 'cassandra-driver';
import { StoreError } from '../../../ports/store-error.ts';

/** Copies per data centre; empty: one copy altogether, which suits a single node and nothing else. */
export type Replication = Readonly<Record<string, number>>;

export interface StandingReplication {
  readonly strategy: string;
  readonly copies: Replication;
}

export function createKeyspaceCql(keyspace: string, replication: Replication): string {
  const centres = Object.entries(replication);
  const map =
    centres.length === 0
      ? `{'class': 'SimpleStrategy', 'replication_factor': 1}`
      : `{'class': 'NetworkTopologyStrategy', ${centres.map(([name, copies]) => `'${quoted(name)}': ${copies}`).join(', ')}}`;
  return `CREATE KEYSPACE IF NOT EXISTS "${keyspace}" WITH replication = ${map}`;
}

function quoted(text: string): string {
  return text.replaceAll("'", "''");
}

export async function readReplication(client: Client, keyspace: string): Promise<StandingReplication | undefined> {
  const query = 'SELECT replication FROM system_schema.keyspaces WHERE keyspace_name = ?';
  const row = (await client.execute(query, [keyspace], { prepare: true, isIdempotent: true })).first();
  if (!row) return undefined;
  const { class: strategy = '', ...copies } = row['replication'] as Record<string, string>;
  const counts = Object.entries(copies).map(([name, count]) => [name, Number(count)] as const);
  return { strategy: strategy.replace(/^.*\./, ''), copies: Object.fromEntries(counts) };
}

/** Throws when no node could hold what is asked for. */
export function assertPossible(client: Client, replication: Replication): void {
  const nodes = nodesByCentre(client);
  for (const [name, copies] of Object.entries(replication)) {
    const count = nodes.get(name);
    if (count === undefined) {
      const known = [...nodes.keys()].join(', ');
      throw new StoreError('schema', `replication names the data centre ${JSON.stringify(name)}; there are: ${known}`);
    }
    if (!Number.isInteger(copies) || copies < 1) {
      throw new StoreError('schema', `replication of ${name} must be a whole number of at least 1, not ${copies}`);
    }
    if (copies > count) {
      const advice = `a quorum could never be had; ask for at most ${count}, or add nodes first`;
      throw new StoreError('schema', `replication asks for ${copies} copies in ${name}, which has ${count}: ${advice}`);
    }
  }
}

/** Throws when the keyspace stands with another replication than the one that was asked for. */
export function assertSame(keyspace: string, asked: Replication, standing: StandingReplication): void {
  if (Object.keys(asked).length === 0) return;
  const isSame =
    standing.strategy === 'NetworkTopologyStrategy' && describeCopies(asked) === describeCopies(standing.copies);
  if (isSame) return;
  const found = `${standing.strategy} ${describeCopies(standing.copies)}`;
  const mend = createKeyspaceCql(keyspace, asked).replace('CREATE KEYSPACE IF NOT EXISTS', 'ALTER KEYSPACE');
  throw new StoreError(
    'schema',
    `keyspace ${keyspace} stands with ${found}, but ${describeCopies(asked)} was asked for. ` +
      `Either ask for what stands, or stop all members, run "${mend}" and a full repair, and migrate again`,
  );
}

/** What an operator should know though nothing refuses to work. */
export function replicationWarnings(client: Client, standing: StandingReplication): string[] {
  const nodes = nodesByCentre(client);
  const total = [...nodes.values()].reduce((sum, count) => sum + count, 0);
  const warnings: string[] = [];
  const isSimple = standing.strategy === 'SimpleStrategy';
  if (isSimple && nodes.size > 1) {
    warnings.push('SimpleStrategy knows no data centres: LOCAL_QUORUM is not local. Use NetworkTopologyStrategy.');
  }
  for (const [name, copies] of Object.entries(standing.copies)) {
    const available = isSimple ? total : (nodes.get(name) ?? 0);
    const where = isSimple ? 'the cluster' : name;
    if (copies > available) {
      warnings.push(`${copies} copies are asked of ${where}, which has ${available} nodes: quorums may be impossible.`);
    }
    if (copies < 3 && available >= 3) {
      warnings.push(
        `${copies} ${copies === 1 ? 'copy' : 'copies'} in ${where}: one node down stops all coordination. 3 would not.`,
      );
    }
  }
  return warnings;
}

function nodesByCentre(client: Client): Map<string, number> {
  const nodes = new Map<string, number>();
  for (const { datacenter } of client.hosts.values()) nodes.set(datacenter, (nodes.get(datacenter) ?? 0) + 1);
  return nodes;
}

function describeCopies(copies: Replication): string {
  const parts = Object.entries(copies).map(([name, count]) => `${name}=${count}`);
  return parts.sort().join(',');
}

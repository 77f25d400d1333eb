import { setTimeout as sleep } from 'node:timers/promises';
import cassandra from 'cassandra-driver';
import type { CassandraCluster } from './cassandra-cluster.ts';
import { plainClient } from './plain-client.ts';

/** Waits until every node sees every other and, with authentication, the first user may log in. */
export async function untilUsable(cluster: CassandraCluster, timeoutMs = 60_000): Promise<void> {
  const endMs = performance.now() + timeoutMs;
  for (;;) {
    const found = await look(cluster);
    if (found === cluster.nodes.length) return;
    if (performance.now() > endMs) throw new Error(`the cluster was not usable after ${timeoutMs} ms: ${found}`);
    await sleep(200);
  }
}

/** How many nodes see all of the cluster; or why nobody could be asked. */
async function look(cluster: CassandraCluster): Promise<number | string> {
  const client = await plainClient(cluster);
  try {
    await client.connect();
    const hosts = client.hosts.values();
    const views = await Promise.all(hosts.map((host) => peers(client, host)));
    return views.filter((seen) => seen === cluster.nodes.length - 1).length;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    await client.shutdown();
  }
}

async function peers(client: cassandra.Client, host: cassandra.Host): Promise<number> {
  const consistency = cassandra.types.consistencies.one;
  const { rows } = await client.execute('SELECT peer, schema_version FROM system.peers_v2', [], { host, consistency });
  return rows.filter((row) => row['schema_version'] !== null).length;
}

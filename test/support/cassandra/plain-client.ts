import cassandra from 'cassandra-driver';
import type { CassandraCluster } from './cassandra-cluster.ts';

/** A driver client that is not ours under test: for looking at what stands in the tables. The caller shuts it down. */
export async function plainClient(
  cluster: CassandraCluster,
  options: Partial<cassandra.ClientOptions> = {},
): Promise<cassandra.Client> {
  const { authority, credentials } = cluster;
  const leaf = authority && (await authority.issue({ name: 'plain', subjectAltName: 'DNS:client' }));
  return new cassandra.Client({
    contactPoints: [...cluster.contactPoints],
    protocolOptions: { port: cluster.port },
    localDataCenter: cluster.dataCenter,
    encoding: { useBigIntAsLong: true },
    ...(credentials && { credentials }),
    ...(authority && leaf && { sslOptions: { ca: [authority.ca], cert: leaf.cert, key: leaf.key } }),
    ...options,
  });
}

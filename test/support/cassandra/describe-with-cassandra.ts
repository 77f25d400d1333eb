import { afterAll, beforeAll, describe } from 'vitest';
import { type CassandraCluster, type CassandraClusterOptions, startCassandra } from './cassandra-cluster.ts';
import { whyNoCassandra } from './cassandra-jars.ts';

/**
 * Tests that need a real Cassandra. Where none can be started they are left out and the reason is printed; with CI=true
 * that is a failure.
 */
export function describeWithCassandra(
  title: string,
  options: CassandraClusterOptions,
  body: (cluster: () => CassandraCluster) => void,
): void {
  describe(title, { skip: WHY_NOT !== undefined }, () => {
    let cluster: CassandraCluster | undefined;
    beforeAll(async () => {
      cluster = await startCassandra(options);
    });
    afterAll(async () => {
      await cluster?.stop();
    });
    body(() => {
      if (!cluster) throw new Error('the cluster is asked for before it was started');
      return cluster;
    });
  });
}

const WHY_NOT = await whyNoCassandra();
if (WHY_NOT !== undefined) {
  if (process.env['CI'] === 'true')
    throw new Error(`CI leaves nothing out, and Cassandra is not available: ${WHY_NOT}`);
  console.warn(`left out, Cassandra is not available: ${WHY_NOT}`);
}

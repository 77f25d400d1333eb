import { beforeAll, describe } from 'vitest';
import { migrate } from '../../../src/adapters/cassandra/schema/migrate.ts';
import { describeWithCassandra } from '../../support/cassandra/describe-with-cassandra.ts';
import { connectionTo } from '../../support/cassandra/store-harness.ts';
import { leftOutWithout } from './left-out.ts';
import { threeReplicas } from './three-replicas.ts';

describe('three replicas on Cassandra and Prometheus', { skip: await leftOutWithout('prometheus') }, () => {
  describeWithCassandra('one node', {}, (cluster) => {
    beforeAll(async () => {
      await migrate(connectionTo(cluster()));
    });

    threeReplicas({
      versions: 240,
      timeseries: 'prometheus',
      store: () => {
        const { contactPoints, port, dataCenter } = cluster();
        return `cassandra://${contactPoints[0]}:${port}/starling?dc=${dataCenter}`;
      },
      breakStore: async () => {
        const [node] = cluster().nodes;
        node?.pause();
        return () => node?.resume();
      },
    });
  });
});

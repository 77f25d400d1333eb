import { beforeAll, describe, expect, it } from 'vitest';
import { migrate } from '../../../src/adapters/cassandra/schema/migrate.ts';
import { describeWithCassandra } from '../../support/cassandra/describe-with-cassandra.ts';
import { plainClient } from '../../support/cassandra/plain-client.ts';
import { connectionTo } from '../../support/cassandra/store-harness.ts';
import { MemberProcess } from '../../support/member-process.ts';
import { ANY_PORT } from '../../support/running-member.ts';
import { leftOutWithout } from './left-out.ts';
import { threeReplicas } from './three-replicas.ts';

describe('three replicas on Cassandra and Prometheus', { skip: await leftOutWithout('prometheus') }, () => {
  describeWithCassandra('one node', {}, (cluster) => {
    it.each([
      [
        'a keyspace that is not there',
        'nowhere?dc=datacenter1',
        /Keyspace 'nowhere' does not exist\. Run `starling migrate` first/,
      ],
      [
        'a keyspace without tables',
        'bare?dc=datacenter1',
        /table settings does not exist\. Run `starling migrate` first/,
      ],
      ['a data centre that is not there', 'starling?dc=atlantis', /atlantis.*datacenter1/s],
    ])('refuses %s, in one message, with 2', { timeout: 60_000 }, async (_, where, says) => {
      const { contactPoints, port } = cluster();
      const client = await plainClient(cluster());
      await client.execute(
        "CREATE KEYSPACE IF NOT EXISTS bare WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}",
      );
      await client.shutdown();
      const process = new MemberProcess([
        ...['autoscale', ...ANY_PORT, '--store', `cassandra://${contactPoints[0]}:${port}/${where}`],
      ]);
      expect(await process.ended).toEqual({ code: 2, signal: null });
      expect(process.stderr).toMatch(says);
      expect(process.stderr).not.toMatch(/^ {4}at /m);
    });

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

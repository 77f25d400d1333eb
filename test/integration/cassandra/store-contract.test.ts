import { storeContract } from '../../contract/store/store-contract.ts';
import { describeWithCassandra } from '../../support/cassandra/describe-with-cassandra.ts';
import { singleNodeHarness } from '../../support/cassandra/store-harness.ts';

describeWithCassandra('one node', {}, (cluster) => {
  storeContract('Cassandra, one node', () => singleNodeHarness(cluster()));
});

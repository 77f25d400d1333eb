import type { CassandraOptions } from '../../../src/adapters/cassandra/cassandra-options.ts';
import { migrate } from '../../../src/adapters/cassandra/schema/migrate.ts';
import { SCHEMA_VERSION } from '../../../src/adapters/cassandra/schema/migrations.ts';
import { CassandraStore } from '../../../src/adapters/cassandra/store.ts';
import { systemClock } from '../../../src/adapters/system/clock.ts';
import type { Store } from '../../../src/ports/store.ts';
import type { StoreHarness } from '../../contract/store/harness.ts';
import { TcpProxy } from '../tcp-proxy.ts';
import type { CassandraCluster } from './cassandra-cluster.ts';

/** How to reach the cluster as our own store would. */
export function connectionTo(cluster: CassandraCluster): CassandraOptions {
  const { contactPoints, port, dataCenter, credentials, authority } = cluster;
  return {
    clock: systemClock,
    contactPoints,
    port,
    credentials,
    keyspace: 'starling',
    localDataCenter: dataCenter,
    tls: authority && { ca: authority.ca },
  };
}

/** Opcodes EXECUTE and BATCH of the native protocol: what a claim is sent as. Frames may come several in one chunk. */
export function carriesStatement(chunk: Buffer): boolean {
  for (let at = 0; at + 9 <= chunk.length; at += 9 + chunk.readInt32BE(at + 5)) {
    const opcode = chunk[at + 4];
    if (opcode === 0x0a || opcode === 0x0d) return true;
  }
  return false;
}

/** The contract's harness on one node: every client has a proxy of its own, so that answers can be lost for one alone. */
export async function singleNodeHarness(cluster: CassandraCluster): Promise<StoreHarness> {
  const base = connectionTo(cluster);
  await migrate(base);
  const proxies = new Map<Store, TcpProxy>();
  const killed: Store[] = [];
  let isAway = false;

  const open = async (): Promise<Store> => {
    const proxy = new TcpProxy({ host: cluster.nodes[0]?.plan.address ?? '127.0.0.1', port: cluster.port });
    const port = await proxy.listen();
    const store = await CassandraStore.open({ ...base, contactPoints: ['127.0.0.1'], port, pageRows: 20 });
    proxies.set(store, proxy);
    if (isAway) proxy.set({ kind: 'refuse' });
    return store;
  };

  return {
    layout: { bucketCount: 1024, placement: 'murmur3', schemaVersion: SCHEMA_VERSION },
    wallMs: () => Date.now(),
    open,
    callTimeoutMs: 15_000,
    isReadableInOutage: false,
    pageRows: 20,
    async dispose() {
      await Promise.all(killed.map((store) => store.close()));
      await Promise.all([...proxies].map(([, proxy]) => proxy.close()));
    },
    pass: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    async reopen() {
      for (const node of cluster.nodes) {
        // As an operator would: a node that is killed loses what its commit log had not synced yet.
        await node.stop();
        await node.start();
      }
      return await open();
    },
    async makeUnavailable() {
      isAway = true;
      for (const proxy of proxies.values()) proxy.set({ kind: 'refuse' });
    },
    async heal() {
      isAway = false;
      for (const proxy of proxies.values()) proxy.set({ kind: 'pass' });
    },
    async loseNextAnswer(store, { thenUnavailable }) {
      const proxy = proxies.get(store);
      if (!proxy) throw new Error('not a store of this harness');
      const afterwards = thenUnavailable ? { afterwards: 'refuse' as const } : {};
      proxy.set({ kind: 'cut-answer', afterBytes: 0, when: carriesStatement, ...afterwards });
    },
    async kill(store) {
      await proxies.get(store)?.close();
      proxies.delete(store);
      // Cut off first, so nothing that close() may still say reaches the node.
      killed.push(store);
    },
  };
}

/** What the suite on one node shows for the adapter alone; three nodes are asked what only they can show. */
export const LEFT_OUT_ON_THREE = {
  reopen: 'shown on one node',
  'lost-answers': 'the proxies before three nodes are shared by all clients; shown on one node',
  kill: 'shown on one node',
};

/** The contract's harness on three nodes with three copies, every client behind the same proxies. */
export async function threeNodeHarness(cluster: CassandraCluster): Promise<StoreHarness> {
  const base = { ...connectionTo(cluster), pageRows: 20 };
  await migrate({ ...base, replication: { [cluster.dataCenter]: 3 } });
  return {
    layout: { bucketCount: 1024, placement: 'murmur3', schemaVersion: SCHEMA_VERSION },
    wallMs: () => Date.now(),
    open: () => CassandraStore.open(base),
    callTimeoutMs: 15_000,
    isReadableInOutage: false,
    pageRows: 20,
    dispose: async () => {},
    pass: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    async makeUnavailable() {
      for (const proxy of cluster.proxies) proxy.set({ kind: 'refuse' });
    },
    async heal() {
      for (const proxy of cluster.proxies) proxy.set({ kind: 'pass' });
    },
  };
}

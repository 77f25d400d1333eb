import type { Config } from '../config/config.ts';
import { BUCKET_COUNT } from '../domain/bucket.ts';
import type { Layout, Store } from '../ports/store.ts';
import { type ConnectionTools, tlsOf } from './connection-tools.ts';

/** Raised when members of the version before could not share the tables any more. The same number on every kind of store. */
const SCHEMA_VERSION = 1;

/** What all members must agree on. */
export function layoutOf(config: Config): Layout {
  const { bucketLabel } = config.timeseries;
  return {
    bucketCount: BUCKET_COUNT,
    placement: bucketLabel === undefined ? 'murmur3' : `label:${bucketLabel}`,
    schemaVersion: SCHEMA_VERSION,
  };
}

/** Opens the configured store. Adapters are imported only when they are wanted: the Cassandra driver alone takes 90 ms. */
export async function openStore(config: Config, tools: ConnectionTools): Promise<Store> {
  const { storeTarget: target, store } = config;
  switch (target.kind) {
    case 'memory': {
      const [{ MemoryStore }, { MemoryWorld }] = await Promise.all([
        import('../adapters/memory/store.ts'),
        import('../adapters/memory/world.ts'),
      ]);
      return new MemoryStore(new MemoryWorld({ clock: tools.clock }));
    }
    case 'sqlite': {
      const { SqliteStore } = await import('../adapters/sqlite/store.ts');
      return SqliteStore.open({
        path: target.path,
        clock: tools.clock,
        meters: tools.meters,
        busyTimeoutMs: store.sqlite.busyTimeoutMs,
        ledgerTtlSeconds: store.ledgerTtlMs / 1000,
      });
    }
    case 'cassandra':
      return openCassandra(config, tools);
    default:
      return target satisfies never;
  }
}

async function openCassandra(config: Config, tools: ConnectionTools): Promise<Store> {
  const { CassandraStore } = await import('../adapters/cassandra/store.ts');
  const connection = cassandraConnection(config, tools);
  const store = await CassandraStore.open(connection.options());
  const replace = async () => {
    try {
      await store.replaceSecrets(connection.secrets());
    } catch (error) {
      const message = 'the store does not take the new secrets; the old ones stay in use';
      tools.logger.error({ event: 'secrets.refused', err: error }, message);
    }
  };
  for (const live of connection.live) live.subscribe(replace);
  return store;
}

/** How to reach Cassandra, with secrets as they are at the moment of asking. */
export function cassandraConnection(config: Config, { secrets, clock, random, meters, logger }: ConnectionTools) {
  const { storeTarget: target, store, membership } = config;
  if (target.kind !== 'cassandra') throw new TypeError('the configured store is not Cassandra');
  const { cassandra } = store;
  const password = secrets.secret('store.cassandra.password', cassandra.password);
  const tls = cassandra.tls.enabled ? secrets.tls('store.cassandra.tls', cassandra.tls) : undefined;
  const current = () => ({
    credentials:
      cassandra.user === undefined
        ? undefined
        : { username: cassandra.user, password: password?.current().reveal() ?? '' },
    tls: cassandra.tls.enabled ? tlsOf(tls, cassandra.tls) : undefined,
  });
  return {
    live: [password, tls].filter((live) => live !== undefined),
    secrets: current,
    options: () => ({
      ...current(),
      contactPoints: target.contactPoints,
      port: target.port,
      keyspace: target.keyspace,
      localDataCenter: target.localDataCenter,
      consistency: cassandra.consistency,
      serialConsistency: cassandra.serialConsistency,
      connectTimeoutMs: cassandra.connectTimeoutMs,
      heartbeatDeadlineMs: store.statementTimeoutMs,
      conditionalDeadlineMs: store.conditionalTimeoutMs,
      readsInFlight: store.concurrency,
      memberTtlSeconds: membership.rowTtlMs / 1000,
      ledgerTtlSeconds: store.ledgerTtlMs / 1000,
      clock,
      random,
      meters,
      logger,
    }),
  };
}

import { checkServerIdentity, type PeerCertificate } from 'node:tls';
import type { Client, ClientOptions } from 'cassandra-driver';
import { StoreError } from '../../ports/store-error.ts';
import type { TlsMaterial } from '../wire/tls.ts';
import type { ConnectionOptions } from './cassandra-options.ts';
import { toStoreError } from './driver-errors.ts';

export type Driver = typeof import('cassandra-driver');

/** The driver is 6 MB of code that only users of Cassandra should load. */
export async function loadDriver(): Promise<Driver> {
  return (await import('cassandra-driver')).default;
}

export interface Connected {
  readonly client: Client;
  shutdown(): Promise<void>;
}

/** Connects, or rejects with a StoreError. `onNewTopology` is called for nodes that joined, left or were found anew. */
export async function connectClient(
  driver: Driver,
  options: ConnectionOptions & { keyspace?: string | undefined },
  onNewTopology: () => void = () => {},
): Promise<Connected> {
  let client: Client | undefined;
  try {
    const localDataCenter = options.localDataCenter ?? (await findDataCenter(driver, options));
    client = new driver.Client(clientOptions(driver, { ...options, localDataCenter }));
    await client.connect();
    return watch(client, options, onNewTopology);
  } catch (error) {
    await client?.shutdown().catch(() => {});
    throw toStoreError(error, { what: 'connecting to Cassandra', effect: 'none' });
  }
}

function clientOptions(
  driver: Driver,
  options: ConnectionOptions & { keyspace?: string | undefined; localDataCenter: string },
): ClientOptions {
  const { loadBalancing, reconnection, retry } = driver.policies;
  const { credentials, keyspace, tls } = options;
  const nearest = new loadBalancing.DCAwareRoundRobinPolicy(options.localDataCenter);
  return {
    ...baseOptions(options),
    localDataCenter: options.localDataCenter,
    ...(keyspace !== undefined && { keyspace }),
    ...(credentials && { credentials }),
    ...(tls && { sslOptions: tlsOptions(tls) }),
    policies: {
      loadBalancing: new loadBalancing.TokenAwarePolicy(nearest),
      reconnection: new reconnection.ExponentialReconnectionPolicy(100, 3000),
      retry: new retry.RetryPolicy(),
      // The nodes stamp every write: with several writers a client whose clock runs ahead would hide the others' writes.
      timestampGeneration: null as never,
    },
  };
}

function baseOptions(options: ConnectionOptions): ClientOptions {
  const connectTimeoutMs = options.connectTimeoutMs ?? 5000;
  return {
    contactPoints: [...options.contactPoints],
    protocolOptions: { port: options.port ?? 9042 },
    encoding: { useBigIntAsLong: true, useUndefinedAsUnset: false },
    pooling: { heartBeatInterval: 5000 },
    socketOptions: {
      connectTimeout: connectTimeoutMs,
      // Of the handshake, and of what the driver asks for itself: a host that accepts and says nothing is not waited for longer.
      readTimeout: connectTimeoutMs,
      // A node that hangs keeps its connections: give them up after a few unanswered requests, not after 64.
      defunctReadTimeoutThreshold: 4,
    },
  };
}

/** The driver's own default is to verify nothing. */
export function tlsOptions(tls: TlsMaterial): NonNullable<ClientOptions['sslOptions']> {
  const { ca, cert, key, serverName } = tls;
  return {
    rejectUnauthorized: tls.insecure !== true,
    minVersion: 'TLSv1.2',
    ...(ca !== undefined && { ca: [ca] }),
    ...(cert !== undefined && key !== undefined && { cert, key }),
    checkServerIdentity: (host: string, certificate: PeerCertificate) =>
      tls.insecure ? undefined : checkServerIdentity(serverName ?? host, certificate),
  };
}

/** The one data centre that the contact points show. */
async function findDataCenter(driver: Driver, options: ConnectionOptions): Promise<string> {
  const { credentials, tls } = options;
  const scout = new driver.Client({
    ...baseOptions(options),
    ...(credentials && { credentials }),
    ...(tls && { sslOptions: tlsOptions(tls) }),
    policies: { loadBalancing: new driver.policies.loadBalancing.RoundRobinPolicy() },
  });
  scout.on('log', () => {});
  try {
    await scout.connect();
    const [name, ...others] = new Set(scout.hosts.values().map((host) => host.datacenter));
    if (name === undefined || others.length > 0) {
      const names = [name, ...others].join(', ');
      throw new StoreError('schema', `there are several data centres (${names}): say which one is local`);
    }
    return name;
  } finally {
    await scout.shutdown().catch(() => {});
  }
}

/** What the typings of the driver leave out. */
interface PooledHost {
  shutdown(waitForPending: boolean): Promise<void>;
}

function watch(client: Client, { logger }: ConnectionOptions, onNewTopology: () => void): Connected {
  client.on('hostDown', (host) => logger?.warn({ node: host.address }, 'a Cassandra node is down'));
  client.on('hostUp', (host) => logger?.info({ node: host.address }, 'a Cassandra node is up again'));
  // After all nodes were down, driver 4.10 finds them anew but routes by the old ones, which go on connecting by
  // themselves and which its shutdown() does not know. Nor does it ever learn a new token ring.
  const forgotten = new Set<PooledHost>();
  client.on('hostRemove', (host: PooledHost) => {
    forgotten.add(host);
    onNewTopology();
  });
  client.on('hostAdd', onNewTopology);
  return {
    client,
    async shutdown() {
      await client.shutdown();
      await Promise.all([...forgotten].map((host) => host.shutdown(false)));
    },
  };
}

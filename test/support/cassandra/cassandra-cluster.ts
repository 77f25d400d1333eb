import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TcpProxy } from '../tcp-proxy.ts';
import { locateCassandra } from './cassandra-jars.ts';
import { CassandraNode } from './cassandra-node.ts';
import { type Authority, makeAuthority, STORE_PASSWORD } from './certificates.ts';
import { Guard } from './guard.ts';
import { writeNodeFiles } from './node-files.ts';
import { untilUsable } from './until-usable.ts';

export interface CassandraClusterOptions {
  readonly nodes?: 1 | 3;
  /** Passwords and permissions; the first user is cassandra / cassandra. */
  readonly authentication?: boolean;
  /** `server`: clients verify the nodes; `mutual`: the nodes ask for a client certificate too. */
  readonly tls?: 'server' | 'mutual' | undefined;
  readonly paxos?: 'v1' | 'v2';
  /** Puts a proxy before each node; clients are led through the proxies. */
  readonly proxies?: boolean;
  readonly onProgress?: (line: string) => void;
}

/** A running cluster and how to reach it. */
export class CassandraCluster {
  readonly dataCenter = 'datacenter1';
  readonly contactPoints: readonly string[];
  readonly port: number;
  readonly credentials: { readonly username: string; readonly password: string } | undefined;
  readonly authority: Authority | undefined;
  readonly nodes: readonly CassandraNode[];
  readonly proxies: readonly TcpProxy[];
  readonly folder: string;
  readonly #guard: Guard;

  constructor(parts: {
    options: CassandraClusterOptions;
    nodes: readonly CassandraNode[];
    proxies: readonly TcpProxy[];
    authority: Authority | undefined;
    folder: string;
    port: number;
    guard: Guard;
  }) {
    this.nodes = parts.nodes;
    this.proxies = parts.proxies;
    this.authority = parts.authority;
    this.folder = parts.folder;
    this.port = parts.port;
    this.#guard = parts.guard;
    this.contactPoints = parts.nodes.map((node) => node.plan.advertised);
    this.credentials = parts.options.authentication ? { username: 'cassandra', password: 'cassandra' } : undefined;
  }

  /** Kills every node and removes what they wrote. */
  async stop(): Promise<void> {
    await Promise.all(this.proxies.map((proxy) => proxy.close()));
    await Promise.all(this.nodes.map((node) => node.kill()));
    await rm(this.folder, { recursive: true, force: true, maxRetries: 5 });
    this.#guard.release();
  }
}

/** Smallest, middle and largest third of the ring. */
const TOKENS = ['-9223372036854775808', '-3074457345618258603', '3074457345618258602'];

/** Starts one node (about 8 s) or three (about 25 s) on 127.0.0.1 to .3; throws CassandraUnavailable where it cannot be. */
export async function startCassandra(options: CassandraClusterOptions = {}): Promise<CassandraCluster> {
  const say = options.onProgress ?? (() => {});
  const jars = await locateCassandra(say);
  const count = options.nodes ?? 1;
  const guard = new Guard();
  const folder = await mkdtemp(join(tmpdir(), 'starling-cassandra-'));
  guard.own(folder);
  const [nativePort, storagePort] = [await freePort(count, options.proxies), await freePort(count)];
  const authority = options.tls ? await makeAuthority(folder, 'authority') : undefined;
  const server = await authority?.issue({
    name: 'server',
    subjectAltName: 'IP:127.0.0.1,IP:127.0.0.2,IP:127.0.0.3,DNS:cassandra.starling.test',
  });
  const truststore = options.tls === 'mutual' ? await authority?.truststore(jars.keytool) : undefined;
  const addresses = Array.from({ length: count }, (_, index) => `127.0.0.${index + 1}`);
  const nodes = addresses.map((address, index) => {
    const plan = {
      folder: join(folder, `node${index + 1}`),
      address,
      advertised: options.proxies ? `127.0.1.${index + 1}` : address,
      nativePort,
      storagePort,
      initialToken: TOKENS[index] ?? '0',
      seeds: addresses,
      paxos: options.paxos ?? 'v2',
      authentication: options.authentication ?? false,
      keystore: server && { path: server.keystore, password: STORE_PASSWORD },
      truststore: truststore === undefined ? undefined : { path: truststore, password: STORE_PASSWORD },
    };
    return new CassandraNode({ plan, jars, guard, isAlone: count === 1 });
  });
  const proxies: TcpProxy[] = [];
  const cluster = new CassandraCluster({ options, nodes, proxies, authority, folder, port: nativePort, guard });
  try {
    say(`starting Cassandra on ${addresses.join(', ')} port ${nativePort}`);
    // All at once: tokens are given and nobody bootstraps, and most of a start is waiting for gossip.
    await Promise.all(
      nodes.map(async (node) => {
        await writeNodeFiles(node.plan);
        await node.start();
      }),
    );
    for (const node of options.proxies ? nodes : []) {
      const proxy = new TcpProxy({ host: node.plan.address, port: nativePort });
      await proxy.listen({ host: node.plan.advertised, port: nativePort });
      proxies.push(proxy);
    }
    await untilUsable(cluster);
    say(`ready at ${cluster.contactPoints.join(', ')} port ${nativePort}`);
    return cluster;
  } catch (error) {
    await cluster.stop();
    throw error;
  }
}

/** A port that is free on every address that the nodes, and the proxies, will use. */
async function freePort(count: number, withProxies = false): Promise<number> {
  const hosts = Array.from({ length: count }, (_, index) => `127.0.0.${index + 1}`);
  if (withProxies) for (let index = 0; index < count; index += 1) hosts.push(`127.0.1.${index + 1}`);
  for (let attempt = 0; attempt < 20; attempt += 1) {
    const port = await tryListen('127.0.0.1', 0);
    if (port === undefined) continue;
    const others = await Promise.all(hosts.map((host) => tryListen(host, port)));
    if (others.every((found) => found === port)) return port;
  }
  throw new Error(`no port is free on all of ${hosts.join(', ')}`);
}

function tryListen(host: string, port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen(port, host, () => {
      const address = server.address();
      server.close(() => resolve(address === null || typeof address === 'string' ? undefined : address.port));
    });
  });
}

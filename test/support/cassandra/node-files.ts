import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CassandraJars } from './cassandra-jars.ts';

/** What one small node needs to know; all folders lie below `folder`. */
export interface NodePlan {
  readonly folder: string;
  readonly address: string;
  /** What the node tells clients to connect to; differs from `address` when a proxy stands in between. */
  readonly advertised: string;
  readonly nativePort: number;
  readonly storagePort: number;
  readonly initialToken: string;
  readonly seeds: readonly string[];
  readonly paxos: 'v1' | 'v2';
  readonly authentication: boolean;
  readonly keystore: { readonly path: string; readonly password: string } | undefined;
  readonly truststore: { readonly path: string; readonly password: string } | undefined;
}

/** Writes cassandra.yaml and logback.xml of a node and makes its folders. */
export async function writeNodeFiles(plan: NodePlan): Promise<void> {
  await mkdir(join(plan.folder, 'triggers'), { recursive: true });
  // JSON is YAML, and nothing in it needs quoting rules of ours.
  await writeFile(join(plan.folder, 'cassandra.yaml'), JSON.stringify(configuration(plan), null, 2));
  await writeFile(join(plan.folder, 'logback.xml'), LOGBACK);
}

function configuration(plan: NodePlan): Record<string, unknown> {
  const { folder, keystore, truststore } = plan;
  return {
    cluster_name: 'starling-test',
    num_tokens: 1,
    initial_token: plan.initialToken,
    partitioner: 'org.apache.cassandra.dht.Murmur3Partitioner',
    seed_provider: [
      {
        class_name: 'org.apache.cassandra.locator.SimpleSeedProvider',
        parameters: [{ seeds: plan.seeds.map((seed) => `${seed}:${plan.storagePort}`).join(',') }],
      },
    ],
    listen_address: plan.address,
    rpc_address: plan.address,
    broadcast_rpc_address: plan.advertised,
    storage_port: plan.storagePort,
    native_transport_port: plan.nativePort,
    auto_bootstrap: false,
    endpoint_snitch: 'SimpleSnitch',
    data_file_directories: [join(folder, 'data')],
    commitlog_directory: join(folder, 'commitlog'),
    hints_directory: join(folder, 'hints'),
    saved_caches_directory: join(folder, 'saved_caches'),
    cdc_raw_directory: join(folder, 'cdc_raw'),
    commitlog_sync: 'periodic',
    commitlog_sync_period: '10000ms',
    commitlog_segment_size: '8MiB',
    commitlog_total_space: '128MiB',
    memtable_heap_space: '64MiB',
    file_cache_size: '32MiB',
    concurrent_reads: 8,
    concurrent_writes: 8,
    concurrent_compactors: 1,
    native_transport_max_threads: 16,
    auto_snapshot: false,
    paxos_variant: plan.paxos,
    ...(plan.authentication && {
      authenticator: 'PasswordAuthenticator',
      authorizer: 'CassandraAuthorizer',
      role_manager: 'CassandraRoleManager',
    }),
    ...(keystore && {
      client_encryption_options: {
        enabled: true,
        optional: false,
        keystore: keystore.path,
        keystore_password: keystore.password,
        store_type: 'PKCS12',
        ...(truststore && {
          require_client_auth: true,
          truststore: truststore.path,
          truststore_password: truststore.password,
        }),
      },
    }),
  };
}

/** The arguments of java: small memory, quick start, and the doors that Cassandra opens in JDK 17. */
export function javaArguments(plan: NodePlan, jars: CassandraJars, options: { isAlone: boolean }): string[] {
  const { folder } = plan;
  const properties: Record<string, string> = {
    'cassandra.config': `file://${join(folder, 'cassandra.yaml')}`,
    'cassandra.storagedir': folder,
    'cassandra.triggers_dir': join(folder, 'triggers'),
    'cassandra.ring_delay_ms': '3000',
    'cassandra-foreground': 'yes',
    'cassandra.superuser_setup_delay_ms': '0',
    'logback.configurationFile': `file://${join(folder, 'logback.xml')}`,
    'jdk.attach.allowAttachSelf': 'true',
    'io.netty.tryReflectionSetAccessible': 'true',
    'java.io.tmpdir': folder,
    ...(options.isAlone
      ? { 'cassandra.skip_wait_for_gossip_to_settle': '0' }
      : { 'cassandra.consistent.rangemovement': 'false' }),
  };
  return [
    `-javaagent:${join(jars.folder, 'jamm-0.4.0.jar')}`,
    ...'-Xms320m -Xmx320m -Xmn96m -Xss256k -XX:+UseSerialGC -XX:TieredStopAtLevel=1'.split(' '),
    ...'-XX:MaxDirectMemorySize=128m -XX:ReservedCodeCacheSize=64m -XX:+ExitOnOutOfMemoryError'.split(' '),
    ...EXPORTS.flatMap((name) => ['--add-exports', `${name}=ALL-UNNAMED`]),
    ...OPENS.flatMap((name) => ['--add-opens', `${name}=ALL-UNNAMED`]),
    ...Object.entries(properties).map(([name, value]) => `-D${name}=${value}`),
    '-cp',
    `${jars.folder}/*`,
    'org.apache.cassandra.service.CassandraDaemon',
  ];
}

const EXPORTS = [
  'java.base/jdk.internal.misc',
  'java.base/java.lang.ref',
  'java.management.rmi/com.sun.jmx.remote.internal.rmi',
  'java.rmi/sun.rmi.registry',
  'java.rmi/sun.rmi.server',
  'java.sql/java.sql',
  'jdk.unsupported/sun.misc',
  'jdk.compiler/com.sun.tools.javac.file',
  'jdk.attach/sun.tools.attach',
];

const OPENS = [
  ...['java.lang.module', 'jdk.internal.loader', 'jdk.internal.ref', 'jdk.internal.reflect', 'jdk.internal.math'],
  ...['jdk.internal.module', 'jdk.internal.util.jar', 'sun.nio.ch', 'java.io', 'java.lang.reflect', 'java.lang'],
  ...['java.util', 'java.nio', 'java.util.concurrent', 'java.util.concurrent.atomic', 'java.nio.charset'],
]
  .map((name) => `java.base/${name}`)
  .concat('jdk.management/com.sun.management.internal', 'jdk.compiler/com.sun.tools.javac');

const LOGBACK = `<configuration>
  <appender name="out" class="ch.qos.logback.core.ConsoleAppender">
    <encoder><pattern>%d{HH:mm:ss.SSS} %-5level %logger{20} %msg%n</pattern></encoder>
  </appender>
  <root level="INFO"><appender-ref ref="out"/></root>
</configuration>
`;

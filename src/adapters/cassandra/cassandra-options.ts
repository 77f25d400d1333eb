import type { Logger } from 'pino';
import type { Clock } from '../../lib/clock.ts';
import { type Random, systemRandom } from '../../lib/random.ts';
import { StoreError } from '../../ports/store-error.ts';
import { type Meters, silentMeters } from '../../telemetry/meters.ts';
import type { TlsMaterial } from '../wire/tls.ts';

/** What may change while the store is open. */
export interface CassandraSecrets {
  readonly credentials?: { readonly username: string; readonly password: string } | undefined;
  readonly tls?: TlsMaterial | undefined;
}

export interface ConnectionOptions extends CassandraSecrets {
  /** Hosts or addresses, each with an optional `:port`. */
  readonly contactPoints: readonly string[];
  /** Of contact points that name none, and of the nodes that they lead to. */
  readonly port?: number | undefined;
  /** Undefined: that of the contact points, where there is only one. */
  readonly localDataCenter?: string | undefined;
  readonly connectTimeoutMs?: number | undefined;
  readonly clock: Clock;
  readonly random?: Random | undefined;
  readonly meters?: Meters | undefined;
  /** Hears of nodes that go and come back. */
  readonly logger?: Pick<Logger, 'info' | 'warn'> | undefined;
}

export interface CassandraOptions extends ConnectionOptions {
  readonly keyspace: string;
  /** Keeps the members and controls of several fleets apart that share a keyspace only while people move over. */
  readonly cluster?: string | undefined;
  /** Of plain reads and writes. */
  readonly consistency?: 'LOCAL_QUORUM' | 'QUORUM' | 'EACH_QUORUM' | undefined;
  /** SERIAL orders writes across data centres, at the price of a wide-area quorum for each. All members must use the same. */
  readonly serialConsistency?: 'LOCAL_SERIAL' | 'SERIAL' | undefined;
  /** Of heartbeats and of reading the members. */
  readonly heartbeatDeadlineMs?: number | undefined;
  /** Of any other plain statement; bucket reads are one statement a page. */
  readonly statementDeadlineMs?: number | undefined;
  /** Of one conditional statement. Must lie above the node's own timeouts (write 2 s, contention 1 s), or all are in doubt. */
  readonly conditionalDeadlineMs?: number | undefined;
  readonly readsInFlight?: number | undefined;
  readonly pageRows?: number | undefined;
  readonly memberTtlSeconds?: number | undefined;
  readonly ledgerTtlSeconds?: number | undefined;
}

type MayStayAbsent = 'localDataCenter' | 'credentials' | 'tls' | 'logger';

/** The options with their defaults filled in. */
export type FilledOptions = {
  readonly [Name in keyof CassandraOptions]-?: Name extends MayStayAbsent
    ? CassandraOptions[Name]
    : NonNullable<CassandraOptions[Name]>;
};

export function fillOptions(options: CassandraOptions): FilledOptions {
  assertKeyspaceName(options.keyspace);
  assertSaneTls(options.tls);
  const { contactPoints, keyspace, localDataCenter, credentials, tls, logger } = options;
  if (contactPoints.length === 0) throw new StoreError('schema', 'Cassandra needs at least one contact point');
  return {
    contactPoints,
    keyspace,
    localDataCenter,
    credentials,
    tls,
    logger,
    port: options.port ?? 9042,
    connectTimeoutMs: options.connectTimeoutMs ?? 5000,
    clock: options.clock,
    random: options.random ?? systemRandom,
    meters: options.meters ?? silentMeters,
    cluster: options.cluster ?? 'starling',
    consistency: options.consistency ?? 'LOCAL_QUORUM',
    serialConsistency: options.serialConsistency ?? 'LOCAL_SERIAL',
    heartbeatDeadlineMs: options.heartbeatDeadlineMs ?? 1500,
    statementDeadlineMs: options.statementDeadlineMs ?? 5000,
    conditionalDeadlineMs: options.conditionalDeadlineMs ?? 5000,
    readsInFlight: options.readsInFlight ?? 32,
    pageRows: options.pageRows ?? 1000,
    memberTtlSeconds: options.memberTtlSeconds ?? 120,
    ledgerTtlSeconds: options.ledgerTtlSeconds ?? 7 * 86_400,
  };
}

/** Names cannot be bound to a statement, so what goes into one unescaped is checked here. */
function assertKeyspaceName(name: string): void {
  if (/^[A-Za-z][A-Za-z0-9_]{0,47}$/.test(name)) return;
  const rule = 'a letter, then letters, digits and underscores, 48 at most';
  throw new StoreError('schema', `${JSON.stringify(name)} is no keyspace name: use ${rule}`);
}

export function assertSaneTls(tls: TlsMaterial | undefined): void {
  if (!tls) return;
  if (Boolean(tls.cert) !== Boolean(tls.key)) {
    throw new StoreError('auth', 'a client certificate needs its private key, and the key its certificate: give both');
  }
  if (tls.insecure && (tls.ca || tls.serverName)) {
    throw new StoreError(
      'auth',
      'TLS is told not to verify and what to verify: leave out insecure, or ca and serverName',
    );
  }
}

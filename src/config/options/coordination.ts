import { boolean, choice, duration, integer, list, number, option, optional, pairs, secret, text } from '../option.ts';
import { storeUrlKind } from '../store-target.ts';
import { tls } from './tls.ts';

// Weaker levels are not offered: a read at ONE may miss a claim that a quorum has accepted.
const CONSISTENCIES = ['LOCAL_QUORUM', 'QUORUM', 'EACH_QUORUM'] as const;

/** Who I am among the others. */
export const member = {
  idPrefix: optional.text('Start of the member id; the host name when unset. A restart is always a new member.', {
    pattern: /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/,
    patternSays: 'letters, digits, dots, dashes and underscores, 64 at most',
  }),
  address: optional.text('Where others reach the admin API of this member, for people who follow a pointer.'),
  weight: number('1', 'Share of the buckets compared with other members.', { min: '0.01', max: '100' }),
};

/** How members notice each other. */
export const membership = {
  beat: duration('1s', "Period of my heartbeat, and of looking at the others'.", { min: '100ms', max: '1m' }),
  deadAfter: duration('6s', 'A member whose heartbeat did not change for this long is dead.', {
    min: '500ms',
    max: '10m',
  }),
  selfStop: duration('3s', 'Without an acknowledged heartbeat for this long this member sends nothing.', {
    min: '200ms',
    max: '10m',
  }),
  joinWait: duration(
    '2s',
    'Between the first heartbeat and the first evaluation, so that others see the newcomer first.',
    {
      max: '5m',
    },
  ),
  rowTtl: duration('2m', 'How long the row of a silent member is kept. Cleans up only; decides nothing.', {
    min: '10s',
    max: '1d',
  }),
};

/** Where members coordinate. */
export const store = {
  url: option(storeUrlKind, {
    default: 'sqlite:starling.db',
    doc: 'cassandra://host1,host2:9042/keyspace?dc=dc1 | sqlite:/path/file.db | memory: (one process, nothing kept).',
    flag: 'store',
  }),
  statementTimeout: duration('1500ms', 'Deadline of one plain statement.', { min: '50ms', max: '1m' }),
  conditionalTimeout: duration(
    '5s',
    'Deadline of one conditional statement (a compare-and-set). Must lie above the timeouts of the nodes themselves, or slow but good writes end in doubt.',
    {
      min: '50ms',
      max: '1m',
    },
  ),
  concurrency: integer('64', 'Statements in flight at a time.', { min: '1', max: '2048' }),
  ledgerTtl: duration('7d', 'How long decisions are kept for people.', { min: '1h', max: '365d' }),
  ledgerFlush: duration('1s', 'How often decisions are written to the ledger; a crash loses at most this much.', {
    min: '100ms',
    max: '1m',
  }),
  ledgerBuffer: integer('10000', 'Decisions held while the store does not take them; the oldest go first.', {
    min: '1',
    max: '1000000',
  }),
  forgetAfter: duration('30d', 'The durable state of a version that nobody saw for this long is removed.', {
    min: '1d',
    max: '3650d',
  }),
  sqlite: {
    busyTimeout: duration('1s', 'How long a statement waits for another process before the store counts as busy.', {
      max: '10s',
    }),
  },
  cassandra: {
    contactPoints: list('', 'Hosts to start from, host or host:port. Replaces those of store.url.', {
      pattern: /^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(:\d{1,5})?$/,
      patternSays: 'host names or addresses, each with an optional :port',
    }),
    portDefault: integer('9042', 'Port of contact points that name none, and of the nodes that they lead to.', {
      min: '1',
      max: '65535',
    }),
    keyspace: text('starling', 'Keyspace of the tables.', {
      pattern: /^[A-Za-z][A-Za-z0-9_]{0,47}$/,
      patternSays: 'a letter, then letters, digits and underscores, 48 at most',
    }),
    localDataCenter: optional.text('The data centre to talk to; needed when there is more than one.'),
    user: optional.text('User name; unset: no authentication.'),
    password: secret('Password of the user.'),
    tls: {
      enabled: boolean('false', 'Talk TLS, with verification.'),
      ...tls,
      certFile: optional.path('PEM of the client certificate.', { reload: 'live' }),
      insecure: boolean('false', 'Do not verify the certificate. Anybody in between can then read the password.'),
    },
    consistency: choice(CONSISTENCIES, 'LOCAL_QUORUM', 'Consistency of plain statements.'),
    serialConsistency: choice(['LOCAL_SERIAL', 'SERIAL'], 'LOCAL_SERIAL', 'Consistency of conditional statements.'),
    connectTimeout: duration('5s', 'Deadline of one connection attempt.', { min: '100ms', max: '1m' }),
    replication: pairs(
      '',
      'Replicas per data centre, for the migration that creates the keyspace; empty: one replica, for a single node.',
      { pattern: /^[^=]+=[1-9]\d?$/, patternSays: 'data centres with a replica count, such as dc1=3' },
    ),
  },
};

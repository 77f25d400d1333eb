import { describe, expect, it } from 'vitest';
import { fillOptions } from '../../../src/adapters/cassandra/cassandra-options.ts';
import { tlsOptions } from '../../../src/adapters/cassandra/connect.ts';
import { createKeyspaceCql } from '../../../src/adapters/cassandra/schema/replication.ts';
import type { TlsMaterial } from '../../../src/adapters/wire/tls.ts';
import { StoreError } from '../../../src/ports/store-error.ts';
import { HandWoundClock } from '../../support/hand-wound-clock.ts';

const BASE = { clock: new HandWoundClock(), contactPoints: ['127.0.0.1'], keyspace: 'starling' };

function refused(options: Partial<Parameters<typeof fillOptions>[0]>): string {
  try {
    fillOptions({ ...BASE, ...options });
  } catch (error) {
    expect(error).toBeInstanceOf(StoreError);
    return (error as StoreError).message;
  }
  throw new Error('it was taken');
}

describe('options of the Cassandra store', () => {
  it('takes a keyspace name only when it needs no escaping', () => {
    for (const keyspace of ['starling', 'S', 'a1_b', 'x'.repeat(48)]) {
      expect(fillOptions({ ...BASE, keyspace }).keyspace).toBe(keyspace);
    }
    for (const keyspace of ['', '1a', '_a', 'a-b', 'a"b', "a'; DROP", 'a b', 'é', 'x'.repeat(49), 'a\n']) {
      expect(refused({ keyspace })).toMatch(/no keyspace name/);
    }
  });

  it('keeps the client deadline of conditional statements above the two seconds of a node', () => {
    expect(fillOptions(BASE).conditionalDeadlineMs).toBeGreaterThan(3000);
  });

  it('refuses half a client certificate and a TLS that is told both to verify and not to', () => {
    expect(refused({ tls: { cert: 'c' } })).toMatch(/key/);
    expect(refused({ tls: { key: 'k' } })).toMatch(/certificate/);
    expect(refused({ tls: { insecure: true, ca: 'x' } })).toMatch(/not to verify/);
    expect(refused({ contactPoints: [] })).toMatch(/contact point/);
  });
});

describe('TLS options', () => {
  const certificate = { subject: { CN: 'node' }, subjectaltname: 'DNS:node.example' } as never;
  const check = (tls: TlsMaterial, host: string) => tlsOptions(tls).checkServerIdentity?.(host, certificate);

  it('verifies unless insecure is spelled out', () => {
    expect(tlsOptions({}).rejectUnauthorized).toBe(true);
    expect(tlsOptions({ insecure: false }).rejectUnauthorized).toBe(true);
    expect(tlsOptions({ insecure: true }).rejectUnauthorized).toBe(false);
  });

  it('looks for the address, or for the name that was given instead', () => {
    expect(check({}, 'node.example')).toBeUndefined();
    expect(check({}, '10.0.0.1')).toBeInstanceOf(Error);
    expect(check({ serverName: 'node.example' }, '10.0.0.1')).toBeUndefined();
    expect(check({ serverName: 'other.example' }, 'node.example')).toBeInstanceOf(Error);
    expect(check({ insecure: true }, '10.0.0.1')).toBeUndefined();
  });
});

describe('the statement that creates the keyspace', () => {
  it('makes one copy when nothing was asked for', () => {
    expect(createKeyspaceCql('starling', {})).toBe(
      `CREATE KEYSPACE IF NOT EXISTS "starling" WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}`,
    );
  });

  it('names data centres, quoted', () => {
    expect(createKeyspaceCql('S', { dc1: 3, "o'dc": 2 })).toBe(
      `CREATE KEYSPACE IF NOT EXISTS "S" WITH replication = {'class': 'NetworkTopologyStrategy', 'dc1': 3, 'o''dc': 2}`,
    );
  });
});

import cassandra from 'cassandra-driver';
import { describe, expect, it } from 'vitest';
import { type Effect, toStoreError } from '../../../src/adapters/cassandra/driver-errors.ts';
import { DeadlineExceeded } from '../../../src/lib/deadline.ts';
import { StoreError } from '../../../src/ports/store-error.ts';

const { errors } = cassandra;
const LOCAL_SERIAL = 0x09;
const LOCAL_QUORUM = 0x06;

function response(code: number, fields: Record<string, unknown> = {}): Error {
  return Object.assign(new errors.ResponseError(code, 'as the node said'), fields);
}

function socket(fields: Record<string, unknown> = {}): Error {
  return Object.assign(new Error('Socket was closed'), { isSocketError: true, ...fields });
}

function nobody(...inner: unknown[]): Error {
  const entries = inner.map((error, index) => [`127.0.0.${index + 1}:9042`, error]);
  return new errors.NoHostAvailableError(Object.fromEntries(entries), 'All host(s) tried for query failed');
}

function kind(error: unknown, effect: Effect) {
  return toStoreError(error, { what: 'claim', effect }).kind;
}

describe('driver errors by what a caller may conclude', () => {
  const table: Array<[string, unknown, Record<Effect, string>]> = [
    ['client timeout', new errors.OperationTimedOutError('t'), same('unavailable', 'unknown')],
    ['our own deadline', new DeadlineExceeded('claim', 5000), same('unavailable', 'unknown')],
    ['socket closed under way', socket(), same('unavailable', 'unknown')],
    ['nobody to borrow a connection from', new Error('No connection available'), all('unavailable')],
    ['socket closed before writing', socket({ requestNotWritten: true }), all('unavailable')],
    ['write timeout, proposing', response(0x1100, { consistencies: LOCAL_SERIAL }), same('unavailable', 'unknown')],
    ['write timeout, committing', response(0x1100, { consistencies: LOCAL_QUORUM }), same('unavailable', 'unknown')],
    ['write failure', response(0x1500), same('unavailable', 'unknown')],
    ['read timeout', response(0x1200), same('unavailable', 'unknown')],
    ['no replicas to propose to', response(0x1000, { consistencies: LOCAL_SERIAL }), all('unavailable')],
    [
      'no replicas to commit to',
      response(0x1000, { consistencies: LOCAL_QUORUM }),
      { none: 'unavailable', write: 'unavailable', conditional: 'unknown' },
    ],
    ['overloaded', response(0x1001), { none: 'busy', write: 'busy', conditional: 'unknown' }],
    ['bootstrapping', response(0x1002), all('unavailable')],
    ['bad credentials', response(0x0100), all('auth')],
    ['unauthorized', response(0x2100), all('auth')],
    ['unknown table', response(0x2200), all('schema')],
    ['syntax', response(0x2000), all('schema')],
    ['authentication', new errors.AuthenticationError('Provided username x is wrong'), all('auth')],
    ['nobody, wrong password', nobody(new errors.AuthenticationError('wrong')), all('auth')],
    ['nobody, all down', nobody('Host considered as DOWN', 'Host considered as DOWN'), all('unavailable')],
    ['nobody, all busy', nobody(new errors.BusyConnectionError('a', 1, 1)), all('busy')],
    [
      'nobody, one of them may have done it',
      nobody(new errors.OperationTimedOutError('t'), 'Host considered as DOWN'),
      { none: 'unavailable', write: 'unknown', conditional: 'unavailable' },
    ],
    [
      'nobody, distrust',
      nobody(Object.assign(new Error('self-signed'), { code: 'SELF_SIGNED_CERT_IN_CHAIN' })),
      all('auth'),
    ],
    [
      'nobody, wrong name',
      nobody(Object.assign(new Error('x'), { code: 'ERR_TLS_CERT_ALTNAME_INVALID' })),
      all('auth'),
    ],
    ['anything else', new TypeError('?'), same('unavailable', 'unknown')],
  ];

  for (const [name, error, expected] of table) {
    it(name, () => {
      for (const effect of ['none', 'write', 'conditional'] as const) {
        expect(kind(error, effect), effect).toBe(expected[effect]);
      }
    });
  }

  it('tells a full disk from a wrong statement', () => {
    const full = new errors.ResponseError(0x2200, 'Write request failed because disk usage exceeds failure threshold');
    expect(kind(full, 'write')).toBe('full');
  });

  it('says what was tried, what went wrong at which node, and what to do', () => {
    const { message, cause } = toStoreError(nobody(new errors.AuthenticationError('Provided username x is wrong')), {
      what: 'connecting to Cassandra',
      effect: 'none',
    });
    expect(message).toBe(
      'connecting to Cassandra: no node could be used (127.0.0.1:9042: Provided username x is wrong). Check user and password',
    );
    expect(cause).toBeInstanceOf(errors.NoHostAvailableError);
  });

  it('hands a StoreError on as it is', () => {
    const error = new StoreError('closed', 'x');
    expect(toStoreError(error, { what: 'claim', effect: 'none' })).toBe(error);
  });
});

function all(name: string): Record<Effect, string> {
  return { none: name, write: name, conditional: name };
}

function same(ofReads: string, ofWrites: string): Record<Effect, string> {
  return { none: ofReads, write: ofWrites, conditional: ofWrites };
}

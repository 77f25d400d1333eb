import { expect, it } from 'vitest';
import { failureOf, healthOf } from '../../../src/adapters/prometheus/store-failure.ts';
import { type UnansweredCause, unanswered } from '../../../src/adapters/wire/outcome.ts';
import { TimeseriesError } from '../../../src/ports/signal-reader.ts';

const failed = (cause: UnansweredCause, detail: string, reason?: string) =>
  failureOf(unanswered('unknown', cause, { detail, ...(reason === undefined ? {} : { reason }) }), 'http://m');

it.each<[UnansweredCause, string, string]>([
  ['refused', 'connect ECONNREFUSED 127.0.0.1:9090', 'unreachable'],
  ['unresolved', 'getaddrinfo ENOTFOUND m', 'unreachable'],
  ['tls', 'CERT_HAS_EXPIRED certificate has expired', 'unreachable'],
  ['reset', 'ECONNRESET socket hang up', 'unreachable'],
])('tells why a store cannot be reached once: %s', (cause, reason, kind) => {
  expect(failed(cause, `no connection: ${reason}`, reason)).toMatchObject({
    kind,
    message: `http://m cannot be reached: ${reason}`,
  });
});

it('says what to do about an answer that is too large, and passes on what is wrong with our credentials', () => {
  expect(failed('too-large', 'the answer is larger than 9 bytes')).toMatchObject({
    kind: 'too-large',
    message: 'http://m: the answer is larger than 9 bytes; lower partVersionsMax',
  });
  expect(failed('credential', 'no token: it is down')).toMatchObject({ kind: 'auth', message: 'no token: it is down' });
});

it('takes a store that refuses for one that is there', () => {
  expect(healthOf(new TimeseriesError('auth', 'no', { status: 401 }))).toBe('well');
  expect(healthOf(new TimeseriesError('overloaded', 'busy', { status: 500 }))).toBe('ill');
  expect(healthOf(failed('refused', 'no connection'))).toBe('ill');
  expect(healthOf(failed('credential', 'no token'))).toBe('unknown');
  expect(healthOf(new Error('broken off'))).toBe('unknown');
});

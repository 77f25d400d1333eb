import { AxiosError } from 'axios';
import { expect, it } from 'vitest';
import { asTimeseriesError, healthOf } from '../../../src/adapters/prometheus/store-failure.ts';
import { TimeseriesError } from '../../../src/ports/signal-reader.ts';

it.each([
  ['connect ECONNREFUSED 127.0.0.1:9090', 'http://m cannot be reached: connect ECONNREFUSED 127.0.0.1:9090'],
  // Of a name with several addresses, each of which refused.
  ['', 'http://m cannot be reached: ECONNREFUSED'],
  ['socket hang up', 'http://m cannot be reached: ECONNREFUSED socket hang up'],
])('tells why a store cannot be reached once: %j', (message, told) => {
  const error = asTimeseriesError(new AxiosError(message, 'ECONNREFUSED'), 'http://m');
  expect(error).toMatchObject({ kind: 'unreachable', message: told });
});

it('takes a store that refuses for one that is there', () => {
  expect(healthOf(new TimeseriesError('auth', 'no', { status: 401 }))).toBe('well');
  expect(healthOf(new TimeseriesError('overloaded', 'busy', { status: 500 }))).toBe('ill');
  expect(healthOf(new AxiosError('', 'ECONNREFUSED'))).toBe('ill');
  expect(healthOf(new Error('broken off'))).toBe('unknown');
});

import { expect, it } from 'vitest';
import { assertSoundClaims, type Claim } from '../../src/domain/function-state.ts';

const claim = (fields: Partial<Claim>): Claim => ({
  versionId: 'a',
  observed: undefined,
  token: 1n,
  nonce: 'n',
  holder: 'h',
  wanted: 1,
  previous: undefined,
  reason: '',
  claimedMs: 0,
  memo: '',
  ...fields,
});

it('lets through claims that raise the token, each of its own version', () => {
  expect(() => assertSoundClaims([claim({}), claim({ versionId: 'b', observed: 7n, token: 8n })])).not.toThrow();
});

it.each([
  ['the same token', [claim({ observed: 7n, token: 7n })], /must raise the token: a was seen at 7, claimed with 7/],
  ['a lower one', [claim({ observed: 7n, token: 6n })], /must raise the token/],
  ['none at all', [claim({ token: 0n })], /must raise the token/],
  ['one version twice', [claim({}), claim({ token: 2n })], /a is claimed twice/],
])('refuses %s', (_, claims, message) => {
  expect(() => assertSoundClaims(claims)).toThrow(message);
});

import { describe, expect, it } from 'vitest';
import {
  assertValidClaims,
  type Claim,
  type FunctionState,
  isUnconfirmed,
  standingOf,
} from '../../src/domain/function-state.ts';

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
  expect(() => assertValidClaims([claim({}), claim({ versionId: 'b', observed: 7n, token: 8n })])).not.toThrow();
});

it.each([
  ['the same token', [claim({ observed: 7n, token: 7n })], /must raise the token: a was seen at 7, claimed with 7/],
  ['a lower one', [claim({ observed: 7n, token: 6n })], /must raise the token/],
  ['none at all', [claim({ token: 0n })], /must raise the token/],
  ['one version twice', [claim({}), claim({ token: 2n })], /a is claimed twice/],
])('refuses %s', (_, claims, message) => {
  expect(() => assertValidClaims(claims)).toThrow(message);
});

describe('the wish to go on from', () => {
  const settled: FunctionState = {
    bucket: 1,
    versionId: 'a',
    token: 7n,
    nonce: 'n',
    phase: 'settled',
    holder: 'h',
    wanted: 12,
    previous: 10,
    reason: '',
    claimedMs: 0,
    applied: 12,
    appliedToken: 7n,
    outcome: 'applied',
    settledMs: 0,
    memo: '',
  };

  it('is what was accepted, as long as that is beyond doubt', () => {
    expect(isUnconfirmed(settled)).toBe(false);
    expect(standingOf(settled)).toBe(12);
    const failed = { ...settled, applied: 10, outcome: 'failed' } as const;
    expect(isUnconfirmed(failed)).toBe(false);
    expect(standingOf(failed)).toBe(10);
  });

  it.each([
    ['a raise whose answer was lost', { applied: 10, wanted: 12, previous: 10, outcome: 'unknown' }, 12],
    ['a lowering whose answer was lost', { applied: 10, wanted: 8, previous: 10, outcome: 'unknown' }, 10],
    ['a first order whose answer was lost', { applied: undefined, wanted: 1, previous: 0, outcome: 'unknown' }, 1],
    ['a claim of somebody who died', { applied: 10, wanted: 12, previous: 10, outcome: '', phase: 'pending' }, 12],
    ['doubt upon doubt', { applied: 10, wanted: 9, previous: 12, outcome: 'unknown' }, 12],
    ['nothing known before', { applied: undefined, wanted: 3, previous: undefined, outcome: 'unknown' }, 3],
  ] as const)('is the higher one of what it can be after %s', (_, row, standing) => {
    const state: FunctionState = { ...settled, ...row };
    expect(isUnconfirmed(state)).toBe(true);
    expect(standingOf(state)).toBe(standing);
  });

  it('is what was accepted last where a newer writer was there, though what that one wanted is not known', () => {
    const fenced: FunctionState = { ...settled, applied: 10, outcome: 'fenced' };
    expect(isUnconfirmed(fenced)).toBe(true);
    expect(standingOf(fenced)).toBe(10);
  });
});

import type { ActiveVersion } from '../../../src/domain/active-version.ts';
import { type FencingToken, nextToken } from '../../../src/domain/fencing-token.ts';
import type { Claim, Settlement } from '../../../src/domain/function-state.ts';
import type { LedgerEntry } from '../../../src/domain/ledger-entry.ts';
import type { MemberRow } from '../../../src/domain/member.ts';

let nonces = 0;

/** A nonce in the form of a UUID, which is how some stores keep it. */
export function nonce(): string {
  nonces += 1;
  const pid = process.pid.toString(16).padStart(8, '0').slice(-8);
  return `${pid}-0000-4000-8000-${nonces.toString(16).padStart(12, '0')}`;
}

export function claimOf(versionId: string, fields: Partial<Claim> = {}): Claim {
  const observed = fields.observed;
  return {
    versionId,
    observed,
    token: observed === undefined ? nextToken(undefined, 1_700_000_000_000) : observed + 1n,
    nonce: nonce(),
    holder: 'host-a/1',
    wanted: 3,
    previous: 2,
    reason: 'load-above-target',
    claimedMs: 1_700_000_000_123,
    memo: '{"policy":"steps"}',
    ...fields,
  };
}

export function settlementOf(claim: Claim, fields: Partial<Settlement> = {}): Settlement {
  return {
    versionId: claim.versionId,
    token: claim.token,
    nonce: claim.nonce,
    applied: claim.wanted,
    appliedToken: claim.token,
    outcome: 'applied',
    settledMs: claim.claimedMs + 40,
    memo: '{"policy":"steps","settled":true}',
    ...fields,
  };
}

export function memberOf(memberId: string, fields: Partial<MemberRow> = {}): MemberRow {
  return {
    memberId,
    beat: 1,
    state: 'active',
    version: '0.1.0',
    address: 'http://127.0.0.1:8080',
    weight: 1,
    ...fields,
  };
}

export function activeOf(
  versionId: string,
  fields: Partial<ActiveVersion> & Pick<ActiveVersion, 'bucket'>,
): ActiveVersion {
  return {
    versionId,
    functionId: `function-of-${versionId}`.slice(0, 255),
    account: 'account-1',
    profiles: ['worker-threads', 'control-plane'],
    seenMs: 1_700_000_000_000,
    discoveryToken: 7n as FencingToken,
    ...fields,
  };
}

export function entryOf(versionId: string, atMs: number, fields: Partial<LedgerEntry> = {}): LedgerEntry {
  return {
    versionId,
    functionId: 'function-1',
    atMs,
    verdict: 'raise',
    previous: 2,
    wanted: 3,
    actual: 2,
    policy: 'steps',
    reasons: [{ code: 'load-above-target', facts: { threshold: 70, seen: 91.5, profile: 'worker-threads' } }],
    utilisation: [
      { atMs: atMs - 15_000, value: 90 },
      { atMs, value: 91.5 },
    ],
    demand: [],
    holder: 'host-a/1',
    token: 1_700_000_000_000_001n,
    outcome: 'applied',
    detail: 'the control plane said "so be it"',
    ...fields,
  };
}

import { describe, expect, it } from 'vitest';
import type { DutyRow } from '../../src/domain/duty.ts';
import { Tenure } from '../../src/sharding/tenure.ts';

const SETTINGS = { dutyRenewMs: 2000, dutyStopMs: 6000, dutyExpireMs: 9000 };

const row = (fields: Partial<DutyRow> = {}): DutyRow => ({
  duty: 'discovery',
  token: 10n,
  holder: 'other',
  nonce: 'nonce-of-other',
  renewals: 0,
  ...fields,
});
const mine = (fields: Partial<DutyRow> = {}) => row({ token: 11n, holder: 'me', nonce: 'nonce-of-mine', ...fields });

describe('a follower', () => {
  it('may take a free duty at once', () => {
    const tenure = new Tenure(SETTINGS);
    expect(tenure.mayTake(0)).toBe(false);
    tenure.observed(row({ holder: '', nonce: '' }), { nowMs: 1000, jitterMs: 2000 });
    expect(tenure.mayTake(1000)).toBe(true);
    expect(tenure.stateAt(1000)).toBe('vacant');
  });

  it('waits nine seconds and its jitter for a holder that has fallen silent', () => {
    const tenure = new Tenure(SETTINGS);
    for (let nowMs = 0; nowMs <= 10_000; nowMs += 2000) tenure.observed(row(), { nowMs, jitterMs: nowMs + 700 });
    // The jitter is the one that was drawn when the row was first seen like this.
    expect(tenure.mayTake(9699)).toBe(false);
    expect(tenure.mayTake(9700)).toBe(true);
    expect(tenure.seen).toEqual(row());
  });

  it.each([
    ['a renewal', { renewals: 1 }],
    ['another holder', { token: 11n, nonce: 'of-a-third' }],
  ])('begins to wait anew with %s', (_, change) => {
    const tenure = new Tenure(SETTINGS);
    tenure.observed(row(), { nowMs: 0, jitterMs: 0 });
    tenure.observed(row(change), { nowMs: 8000, jitterMs: 500 });
    expect(tenure.mayTake(17_499)).toBe(false);
    expect(tenure.mayTake(17_500)).toBe(true);
  });

  it('that lost the race waits for the winner', () => {
    const tenure = new Tenure(SETTINGS);
    tenure.observed(row({ holder: '', nonce: '' }), { nowMs: 0, jitterMs: 0 });
    tenure.refused(row({ token: 11n, holder: 'quicker' }), { nowMs: 20, jitterMs: 300 });
    expect(tenure.stateAt(20)).toBe('vacant');
    expect(tenure.mayTake(9319)).toBe(false);
    expect(tenure.mayTake(9320)).toBe(true);
  });
});

describe('a holder', () => {
  const held = () => {
    const tenure = new Tenure(SETTINGS);
    tenure.observed(row({ holder: '', nonce: '' }), { nowMs: 0, jitterMs: 0 });
    tenure.won(mine(), 100);
    return tenure;
  };

  it('renews every two seconds, counted from when it tried', () => {
    const tenure = held();
    expect(tenure.stateAt(100)).toBe('held');
    expect(tenure.mayTake(100)).toBe(false);
    expect(tenure.isRenewalDue(2099)).toBe(false);
    expect(tenure.isRenewalDue(2100)).toBe(true);
    tenure.trying(2100);
    expect(tenure.isRenewalDue(2200)).toBe(false);
    tenure.renewed(mine({ renewals: 1 }), { beganMs: 2100, nowMs: 2150 });
    expect(tenure.row).toEqual(mine({ renewals: 1 }));
    expect(tenure.isRenewalDue(4099)).toBe(false);
    expect(tenure.isRenewalDue(4100)).toBe(true);
  });

  it('is in doubt while renewals go unanswered, and stops at six seconds, three before anybody else may start', () => {
    const tenure = held();
    expect(tenure.stateAt(3599)).toBe('held');
    expect(tenure.stateAt(3600)).toBe('doubtful');
    expect(tenure.isRenewalDue(3600)).toBe(true);
    expect(tenure.stateAt(6099)).toBe('doubtful');
    expect(tenure.stateAt(6100)).toBe('lost');
    expect(tenure.isRenewalDue(6100)).toBe(false);

    const follower = new Tenure(SETTINGS);
    follower.observed(mine(), { nowMs: 100, jitterMs: 0 });
    expect(follower.mayTake(9099)).toBe(false);
    expect(follower.mayTake(9100)).toBe(true);
  });

  it('counts a proof from when it was sent: a slow answer buys no time', () => {
    const tenure = held();
    tenure.trying(2100);
    tenure.renewed(mine({ renewals: 1 }), { beganMs: 2100, nowMs: 5000 });
    expect(tenure.stateAt(5599)).toBe('held');
    expect(tenure.stateAt(5600)).toBe('doubtful');
    expect(tenure.stateAt(8100)).toBe('lost');
  });

  it('does not come back to life by an answer that arrives after it had to stop', () => {
    const tenure = held();
    tenure.trying(5000);
    tenure.renewed(mine({ renewals: 1 }), { beganMs: 5000, nowMs: 6100 });
    expect(tenure.stateAt(6100)).toBe('lost');
    expect(tenure.isProven(6100, 60_000)).toBe(false);
  });

  it('that stopped itself takes the duty again at once when its own row still stands, under a new token', () => {
    const tenure = held();
    tenure.observed(mine({ renewals: 3 }), { nowMs: 20_000, jitterMs: 1900 });
    expect(tenure.stateAt(20_000)).toBe('vacant');
    expect(tenure.mayTake(20_000)).toBe(true);
    expect(tenure.seen).toEqual(mine({ renewals: 3 }));
  });

  it('learns from a refused renewal that it is over, and then waits like any other', () => {
    const tenure = held();
    tenure.refused(row({ token: 12n, holder: 'heir', nonce: 'of-the-heir' }), { nowMs: 2200, jitterMs: 0 });
    expect(tenure.stateAt(2200)).toBe('lost');
    expect(tenure.row).toBeUndefined();
    expect(tenure.mayTake(11_199)).toBe(false);
    tenure.observed(row({ token: 12n, holder: 'heir', nonce: 'of-the-heir' }), { nowMs: 4000, jitterMs: 0 });
    expect(tenure.stateAt(4000)).toBe('vacant');
    expect(tenure.mayTake(11_200)).toBe(true);
  });

  it('drops everything when time broke, and must look again before it tries', () => {
    const tenure = held();
    tenure.drop();
    expect(tenure.stateAt(200)).toBe('lost');
    expect(tenure.mayTake(60_000)).toBe(false);
    tenure.observed(row({ token: 12n }), { nowMs: 60_000, jitterMs: 0 });
    expect(tenure.mayTake(60_000)).toBe(false);
    expect(tenure.stateAt(60_000)).toBe('vacant');
  });

  it('ignores what it reads while it holds', () => {
    const tenure = held();
    tenure.observed(row(), { nowMs: 500, jitterMs: 0 });
    expect(tenure.stateAt(500)).toBe('held');
    expect(tenure.row).toEqual(mine());
  });

  it('shows how fresh its proof is, for work that wants a fresh one', () => {
    const tenure = held();
    expect(tenure.isProven(2100, 2000)).toBe(true);
    expect(tenure.isProven(2101, 2000)).toBe(false);
    expect(new Tenure(SETTINGS).isProven(0, 2000)).toBe(false);
  });
});

it('refuses times under which two could work at once', () => {
  expect(() => new Tenure({ ...SETTINGS, dutyStopMs: 9000 })).toThrow(/must stop \(9000 ms\) before others/);
});

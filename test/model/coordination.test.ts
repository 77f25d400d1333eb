import { describe, expect, it } from 'vitest';
import { brokenClaimRule, type ClaimModel, claimSteps, initialClaimState } from './claim-protocol.ts';
import { type Exploration, explore } from './explore.ts';
import { brokenLockRule, initialLockState, type LockModel, lockSteps } from './ttl-lock.ts';

function exploreClaims(model: ClaimModel, rule: 'unique' | 'order' | 'both'): Exploration {
  return explore({
    initial: initialClaimState(model),
    steps: (state) => claimSteps(model, state),
    brokenRule: (state) => {
      const broken = brokenClaimRule(state);
      return rule === 'both' || broken === rule ? broken : undefined;
    },
  });
}

function exploreLock(model: LockModel): Exploration {
  return explore({
    initial: initialLockState(model),
    steps: (state) => lockSteps(model, state),
    brokenRule: brokenLockRule,
  });
}

const OURS = { isFenced: true, checksNonce: true };

describe('the claim protocol, in every order in which things can happen', () => {
  it.each([
    [2, 2],
    [3, 1],
  ])(
    'with %i members and %i attempts each, never uses a token twice and never goes back at the control plane',
    (members, attempts) => {
      const { states, violation } = exploreClaims({ members, attempts, ...OURS }, 'both');
      expect(violation).toBeUndefined();
      // A model in which nothing can happen would be safe too.
      expect(states).toBeGreaterThan(10_000);
    },
  );

  it('on a control plane that ignores tokens still never uses one twice', () => {
    const { violation } = exploreClaims({ members: 2, attempts: 2, isFenced: false, checksNonce: true }, 'unique');
    expect(violation).toBeUndefined();
  });
});

describe('the checker finds what is wrong with the others', () => {
  it('on a control plane that ignores tokens an older write can land last: the hole that is documented', () => {
    const { violation } = exploreClaims({ members: 2, attempts: 2, isFenced: false, checksNonce: true }, 'order');
    expect(violation?.rule).toBe('order');
    expect(violation?.steps.at(-1)).toBe('put 1 arrives');
  });

  it('without the nonce two members write under one token', () => {
    const { violation } = exploreClaims({ members: 2, attempts: 1, isFenced: true, checksNonce: false }, 'both');
    expect(violation?.rule).toBe('unique');
    expect(violation?.steps.length).toBeLessThanOrEqual(8);
  });

  it('a lock that expires and is deleted unasked comes to have two holders', () => {
    const { violation } = exploreLock({ members: 2, turns: 2, isDeleteConditional: false });
    expect(violation?.rule).toBe('one holder');
    expect(violation?.steps.length).toBeLessThanOrEqual(7);
  });

  it('the same lock with a delete that asks whose row it is has one holder, as long as all clocks are perfect', () => {
    const { states, violation } = exploreLock({ members: 3, turns: 3, isDeleteConditional: true });
    expect(violation).toBeUndefined();
    expect(states).toBeGreaterThan(1000);
  });
});

import type { Bucket } from '../../domain/bucket.ts';
import { assertValidClaims, type Claim, type FunctionState, type Settlement } from '../../domain/function-state.ts';
import { KeyedQueue } from '../../lib/keyed-queue.ts';
import type { ClaimResult, SettleResult, StateKeeper } from '../../ports/state-keeper.ts';
import { type Connection, untilKnown } from './world.ts';

type Shelf = Map<string, FunctionState>;

export function statesOn({ world: { states }, call }: Connection): StateKeeper {
  const writes = new KeyedQueue<Bucket>();
  return {
    read: (buckets) =>
      call('states.read', () => [...new Set(buckets)].flatMap((bucket) => [...(states.peek(bucket)?.values() ?? [])])),
    readOne: (bucket, versionId) =>
      writes.run(bucket, () => call('states.readOne', () => states.peek(bucket)?.get(versionId))),
    async claim(bucket, claims) {
      assertValidClaims(claims);
      const end = await writes.run(bucket, () =>
        untilKnown(() =>
          call('states.claim', () => claims.map((claim) => claimOne(states.shelf(bucket), bucket, claim))),
        ),
      );
      if (end.outcome === 'known') return end.value;
      return claims.map(({ versionId }) => ({ versionId, outcome: 'unknown' }));
    },
    async settle(bucket, settlements) {
      const end = await writes.run(bucket, () =>
        untilKnown(() =>
          call('states.settle', () => settlements.map((settlement) => settleOne(states.shelf(bucket), settlement))),
        ),
      );
      if (end.outcome === 'known') return end.value;
      return settlements.map(({ versionId }) => ({ versionId, outcome: 'unknown' }));
    },
    forget: (bucket, versionId, token) =>
      writes.run(bucket, () =>
        call('states.forget', () => {
          const shelf = states.shelf(bucket);
          const row = shelf.get(versionId);
          return row?.token === token && row.phase === 'settled' && shelf.delete(versionId);
        }),
      ),
  };
}

function claimOne(shelf: Shelf, bucket: Bucket, claim: Claim): ClaimResult {
  const { versionId, observed, token, nonce, ...wish } = claim;
  const current = shelf.get(versionId);
  if (current?.token === token && current.nonce === nonce) return { versionId, outcome: 'applied' };
  if (current?.token !== observed) return { versionId, outcome: 'lost', current };
  shelf.set(versionId, {
    bucket,
    versionId,
    token,
    nonce,
    phase: 'pending',
    ...wish,
    applied: current?.applied,
    appliedToken: current?.appliedToken ?? 0n,
    outcome: current?.outcome ?? '',
    settledMs: current?.settledMs ?? 0,
  });
  return { versionId, outcome: 'applied' };
}

function settleOne(shelf: Shelf, settlement: Settlement): SettleResult {
  const { versionId } = settlement;
  const current = shelf.get(versionId);
  if (current?.token !== settlement.token || current.nonce !== settlement.nonce) {
    return { versionId, outcome: 'superseded' };
  }
  shelf.set(versionId, { ...current, ...settlement, phase: 'settled' });
  return { versionId, outcome: 'settled' };
}

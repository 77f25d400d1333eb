import { expect } from 'vitest';
import type { DutyRow } from '../../../src/domain/duty.ts';
import { nextToken } from '../../../src/domain/fencing-token.ts';
import type { Store } from '../../../src/ports/store.ts';
import type { Bench } from './bench.ts';
import { nonce } from './rows.ts';
import type { ContractCase } from './store-contract.ts';

/** There are only two duties, so every case goes on from whatever row the one before has left. */
async function observe(bench: Bench, store: Store): Promise<DutyRow> {
  return store.duties.read('discovery', nextToken(undefined, bench.harness.wallMs()));
}

function bid(observed: DutyRow, holder: string) {
  return { token: observed.token + 1n, holder, nonce: nonce() };
}

async function taken(bench: Bench, store: Store, holder: string): Promise<DutyRow> {
  const swap = await store.duties.take(await observe(bench, store), bid(await observe(bench, store), holder));
  if (swap.outcome !== 'applied') throw new Error(`${holder} should have been alone`);
  return swap.row;
}

export const dutyCases: readonly ContractCase[] = [
  {
    name: 'a duty begins unheld at the floor, once for all',
    async run(bench) {
      const [one, other] = (await bench.openSeveral(2)) as [Store, Store];
      const floor = nextToken(undefined, bench.harness.wallMs());
      const [first, second] = await Promise.all([
        one.duties.read('sweep', floor),
        other.duties.read('sweep', floor + 5n),
      ]);
      expect(second).toEqual(first);
      expect(first).toMatchObject({ duty: 'sweep', holder: '', renewals: 0 });
      expect([floor, floor + 5n]).toContain(first.token);
      expect(await one.duties.read('sweep', floor + 9n)).toEqual(first);
    },
  },
  {
    name: 'of racing candidates exactly one takes the duty, and the others see its row',
    timeoutMs: 60_000,
    async run(bench) {
      const stores = await bench.openSeveral(5);
      for (let round = 0; round < 10; round += 1) {
        const observed = await observe(bench, stores[0] as Store);
        const bids = stores.map((_, index) => bid(observed, `candidate-${round}-${index}`));
        const swaps = await Promise.all(
          stores.map((store, index) => store.duties.take(observed, bids[index] as (typeof bids)[number])),
        );
        const winners = bids.filter((_, index) => swaps[index]?.outcome === 'applied');
        expect(winners).toHaveLength(1);
        const expected = { duty: 'discovery', renewals: 0, ...winners[0] };
        for (const swap of swaps) expect(swap.row).toEqual(expected);
        expect(await observe(bench, stores[1] as Store)).toEqual(expected);
      }
    },
  },
  {
    name: 'a duty that was renewed since it was observed cannot be taken',
    async run(bench) {
      const [leader, follower] = (await bench.openSeveral(2)) as [Store, Store];
      const held = await taken(bench, leader, 'leader');
      const observed = await observe(bench, follower);
      const renewed = await leader.duties.renew(held);
      expect(renewed).toEqual({ outcome: 'applied', row: { ...held, renewals: held.renewals + 1 } });
      const swap = await follower.duties.take(observed, bid(observed, 'follower'));
      expect(swap).toEqual({ outcome: 'lost', row: renewed.row });
      expect(await observe(bench, follower)).toEqual(renewed.row);
    },
  },
  {
    name: 'renewing fails after the duty was lost, and changes nothing',
    async run(bench) {
      const [old, young] = (await bench.openSeveral(2)) as [Store, Store];
      const held = await taken(bench, old, 'old');
      const next = await taken(bench, young, 'young');
      expect(next.token).toBeGreaterThan(held.token);
      expect(await old.duties.renew(held)).toEqual({ outcome: 'lost', row: next });
      await old.duties.release(held);
      expect(await observe(bench, young)).toEqual(next);
      expect((await young.duties.renew(next)).outcome).toBe('applied');
    },
  },
  {
    name: 'a released duty stands empty for the next at once, and cannot be renewed',
    async run(bench) {
      const [leader, next] = (await bench.openSeveral(2)) as [Store, Store];
      const held = await taken(bench, leader, 'leader');
      const renewed = await leader.duties.renew(held);
      const row = renewed.row as DutyRow;
      await leader.duties.release(row);
      const empty = await observe(bench, next);
      expect(empty).toMatchObject({ holder: '', token: held.token });
      expect((await leader.duties.renew(row)).outcome).toBe('lost');
      const swap = await next.duties.take(empty, bid(empty, 'next'));
      expect(swap).toMatchObject({ outcome: 'applied', row: { holder: 'next', token: held.token + 1n } });
    },
  },
  {
    name: 'a take that would not raise the token is refused before it is sent',
    async run(bench) {
      const store = await bench.open();
      const observed = await observe(bench, store);
      const flat = { ...bid(observed, 'flat'), token: observed.token };
      await expect(store.duties.take(observed, flat)).rejects.toThrow(RangeError);
      expect(await observe(bench, store)).toEqual(observed);
    },
  },
  {
    name: 'a take whose answer was lost is recognised as mine',
    needs: ['lost-answers'],
    timeoutMs: 60_000,
    async run(bench) {
      const [store, other] = (await bench.openSeveral(2)) as [Store, Store];
      const observed = await observe(bench, store);
      const mine = bid(observed, 'me');
      await bench.harness.loseNextAnswer?.(store, { thenUnavailable: false });
      const swap = await store.duties.take(observed, mine);
      expect(swap).toEqual({ outcome: 'applied', row: { duty: 'discovery', renewals: 0, ...mine } });
      expect(await observe(bench, other)).toEqual(swap.row);
      await bench.harness.heal?.();
    },
  },
];

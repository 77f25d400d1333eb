import { expect } from 'vitest';
import type { Store } from '../../../src/ports/store.ts';
import { StoreError } from '../../../src/ports/store-error.ts';
import { type Bench, kindOfFailure, outcomes } from './bench.ts';
import { activeOf, claimOf, entryOf, memberOf, nonce, settlementOf } from './rows.ts';
import type { ContractCase } from './store-contract.ts';

/** What may be concluded when a store is away: nothing happened, or nobody knows. Never that somebody else won. */
const AWAY = ['unavailable', 'unknown', 'busy'];

export const faultCases: readonly ContractCase[] = [
  {
    name: 'a claim whose answer was lost is recognised as mine, under one token',
    needs: ['lost-answers'],
    timeoutMs: 60_000,
    async run(bench) {
      const [store, other] = (await bench.openSeveral(2)) as [Store, Store];
      const [bucket, versionId] = [bench.bucket(), bench.id('echo')];
      const claim = claimOf(versionId);
      await bench.harness.loseNextAnswer?.(store, { thenUnavailable: false });
      expect(outcomes(await store.states.claim(bucket, [claim]))).toEqual({ [versionId]: 'applied' });
      expect(await other.states.readOne(bucket, versionId)).toMatchObject({ token: claim.token, nonce: claim.nonce });

      await bench.harness.loseNextAnswer?.(store, { thenUnavailable: false });
      expect(outcomes(await store.states.settle(bucket, [settlementOf(claim)]))).toEqual({ [versionId]: 'settled' });
      expect(await other.states.readOne(bucket, versionId)).toMatchObject({ phase: 'settled', token: claim.token });
      await bench.harness.heal?.();
    },
  },
  {
    name: 'in a batch with a lost answer each version is resolved by its own nonce',
    needs: ['lost-answers'],
    timeoutMs: 60_000,
    async run(bench) {
      const [store, other] = (await bench.openSeveral(2)) as [Store, Store];
      const bucket = bench.bucket();
      const [mine, theirs] = [claimOf(bench.id('mine')), claimOf(bench.id('theirs'), { holder: 'host-b/2' })];
      await other.states.claim(bucket, [theirs]);
      await bench.harness.loseNextAnswer?.(store, { thenUnavailable: false });
      const late = claimOf(theirs.versionId, { token: theirs.token + 3n });
      expect(outcomes(await store.states.claim(bucket, [mine, late]))).toEqual({
        [mine.versionId]: 'applied',
        [theirs.versionId]: 'lost',
      });
      expect(await other.states.readOne(bucket, theirs.versionId)).toMatchObject({ nonce: theirs.nonce });
      await bench.harness.heal?.();
    },
  },
  {
    name: 'what cannot be found out is reported as unknown, never as lost, and the same claim may be made again',
    needs: ['lost-answers'],
    timeoutMs: 90_000,
    async run(bench) {
      const [store, other] = (await bench.openSeveral(2)) as [Store, Store];
      const [bucket, versionId] = [bench.bucket(), bench.id('doubt')];
      const claim = claimOf(versionId);
      await bench.harness.loseNextAnswer?.(store, { thenUnavailable: true });
      const results = await bench.inTime('a claim in doubt', store.states.claim(bucket, [claim]));
      expect(results).toEqual([{ versionId, outcome: 'unknown' }]);
      await bench.harness.heal?.();
      const again = await bench.onceBack(() => store.states.claim(bucket, [claim]));
      expect(outcomes(again)).toEqual({ [versionId]: 'applied' });
      expect(await other.states.readOne(bucket, versionId)).toMatchObject({ token: claim.token, nonce: claim.nonce });

      await bench.harness.loseNextAnswer?.(store, { thenUnavailable: true });
      const settled = await bench.inTime('a settlement in doubt', store.states.settle(bucket, [settlementOf(claim)]));
      expect(settled).toEqual([{ versionId, outcome: 'unknown' }]);
      await bench.harness.heal?.();
    },
  },
  {
    name: 'a duty whose taking is in doubt ends as unknown',
    needs: ['lost-answers'],
    timeoutMs: 90_000,
    async run(bench) {
      const store = await bench.open();
      const observed = await store.duties.read('discovery', 1n);
      await bench.harness.loseNextAnswer?.(store, { thenUnavailable: true });
      const bid = { token: observed.token + 1n, holder: 'doubtful', nonce: nonce() };
      expect(await kindOfFailure(bench.inTime('a take in doubt', store.duties.take(observed, bid)))).toBe('unknown');
      await bench.harness.heal?.();
      const swap = await bench.onceBack(() => store.duties.take(observed, bid));
      expect(swap).toMatchObject({ outcome: 'applied', row: bid });
    },
  },
  {
    name: 'while the store is away every call ends in time with a typed error, and nothing is ever lost or won',
    needs: ['outage'],
    timeoutMs: 180_000,
    async run(bench) {
      const store = await bench.open();
      const [bucket, versionId] = [bench.bucket(), bench.id('away')];
      const held = claimOf(versionId);
      await store.states.claim(bucket, [held]);
      const duty = await store.duties.read('discovery', 1n);
      await bench.harness.makeUnavailable?.();
      try {
        const writes: Record<string, () => Promise<unknown>> = {
          beat: () => store.roster.beat(memberOf(bench.id('away'))),
          take: () => store.duties.take(duty, { token: duty.token + 1n, holder: 'away', nonce: nonce() }),
          renew: () => store.duties.renew({ ...duty, nonce: duty.nonce || nonce() }),
          enrol: () => store.catalogue.enrol(bucket, [activeOf(versionId, { bucket })], { ttlSeconds: 60 }),
          forget: () => store.states.forget(bucket, versionId, held.token),
          record: () => store.ledger.record([entryOf(versionId, bench.harness.wallMs())]),
          put: () => store.controls.put({ kind: 'pause', versionId, until: 1, by: 'x', why: 'y' }),
        };
        const reads: Record<string, () => Promise<unknown>> = {
          ping: () => store.ping(),
          list: () => store.roster.list(),
          read: () => store.states.read([bucket]),
          readOne: () => store.states.readOne(bucket, versionId),
          active: () => store.catalogue.read([bucket]),
          recall: () => store.ledger.recall(versionId, { limit: 1 }),
          controls: () => store.controls.list(0),
        };
        for (const [name, call] of Object.entries(writes)) {
          expect(AWAY, name).toContain(await kindOfFailure(bench.inTime(name, call())));
        }
        for (const [name, call] of Object.entries(reads)) {
          const kind = await kindOfFailure(bench.inTime(name, call()));
          expect(bench.harness.isReadableInOutage ? ['no failure', ...AWAY] : AWAY, name).toContain(kind);
        }
        const next = claimOf(versionId, { observed: held.token });
        await neitherWonNorLost(bench, 'claim', store.states.claim(bucket, [next]));
        await neitherWonNorLost(bench, 'settle', store.states.settle(bucket, [settlementOf(held)]));
      } finally {
        await bench.harness.heal?.();
      }
      const row = await bench.onceBack(() => store.states.readOne(bucket, versionId));
      expect(row?.token).toBeGreaterThanOrEqual(held.token);
    },
  },
  {
    name: 'after the store has come back the same client works again',
    needs: ['outage'],
    timeoutMs: 120_000,
    async run(bench) {
      const store = await bench.open();
      const [bucket, versionId] = [bench.bucket(), bench.id('back')];
      const first = claimOf(versionId);
      await store.states.claim(bucket, [first]);
      await bench.harness.makeUnavailable?.();
      await kindOfFailure(bench.inTime('beat', store.roster.beat(memberOf('back'))));
      await bench.harness.heal?.();
      await bench.onceBack(() => store.ping());
      await bench.onceBack(() => store.roster.beat(memberOf('back')));
      const settled = await bench.onceBack(() => store.states.settle(bucket, [settlementOf(first)]));
      expect(outcomes(settled)).toEqual({ [versionId]: 'settled' });
      const next = claimOf(versionId, { observed: first.token });
      expect(outcomes(await bench.onceBack(() => store.states.claim(bucket, [next])))).toEqual({
        [versionId]: 'applied',
      });
      expect(await bench.onceBack(() => store.states.read([bucket]))).toHaveLength(1);
    },
  },
];

async function neitherWonNorLost(
  bench: Bench,
  what: string,
  call: Promise<readonly { outcome: string }[]>,
): Promise<void> {
  try {
    const results = await bench.inTime(what, call);
    expect(
      results.map(({ outcome }) => outcome),
      what,
    ).toEqual(['unknown']);
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    expect(AWAY, what).toContain(error.kind);
  }
}

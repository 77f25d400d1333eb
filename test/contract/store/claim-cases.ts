import { expect } from 'vitest';
import { nextToken } from '../../../src/domain/fencing-token.ts';
import type { Claim, FunctionState } from '../../../src/domain/function-state.ts';
import type { Store } from '../../../src/ports/store.ts';
import { type Bench, currentOf, outcomes } from './bench.ts';
import { claimOf, settlementOf } from './rows.ts';
import type { ContractCase } from './store-contract.ts';

/** Claims a version that nobody has, and settles it. */
async function established(bench: Bench, store: Store, where: { bucket: number; versionId: string }): Promise<Claim> {
  const claim = claimOf(where.versionId, { token: nextToken(undefined, bench.harness.wallMs()) });
  expect(outcomes(await store.states.claim(where.bucket, [claim]))).toEqual({ [where.versionId]: 'applied' });
  expect(outcomes(await store.states.settle(where.bucket, [settlementOf(claim)]))).toEqual({
    [where.versionId]: 'settled',
  });
  return claim;
}

export const claimCases: readonly ContractCase[] = [
  {
    name: 'of racing first claims of one version exactly one applies, and the others learn who won',
    timeoutMs: 60_000,
    async run(bench) {
      const stores = await bench.openSeveral(6);
      for (let round = 0; round < 10; round += 1) {
        const [bucket, versionId] = [bench.bucket(), bench.id('race')];
        const claims = stores.map((_, index) => claimOf(versionId, { token: 1000n, holder: `member-${index}` }));
        const results = await Promise.all(
          stores.map((store, index) => store.states.claim(bucket, [claims[index] as Claim])),
        );
        const winners = claims.filter((_, index) => results[index]?.[0]?.outcome === 'applied');
        expect(winners).toHaveLength(1);
        for (const [index, [result]] of results.entries()) {
          if (claims[index] === winners[0]) continue;
          expect(result?.outcome).toBe('lost');
          expect(currentOf(result)).toMatchObject({
            token: 1000n,
            nonce: winners[0]?.nonce,
            holder: winners[0]?.holder,
          });
        }
      }
    },
  },
  {
    name: 'of racing claims from one token exactly one applies, round after round',
    timeoutMs: 60_000,
    async run(bench) {
      const stores = await bench.openSeveral(6);
      const [bucket, versionId] = [bench.bucket(), bench.id('race')];
      const [first] = stores as [Store];
      let observed = (await established(bench, first, { bucket, versionId })).token;
      for (let round = 0; round < 20; round += 1) {
        // Some ask for the same token, some for a higher one: only the observed token decides.
        const claims = stores.map((_, index) =>
          claimOf(versionId, { observed, token: observed + 1n + BigInt(index % 2) }),
        );
        const results = await Promise.all(
          stores.map((store, index) => store.states.claim(bucket, [claims[index] as Claim])),
        );
        const winners = claims.filter((_, index) => results[index]?.[0]?.outcome === 'applied');
        expect(winners).toHaveLength(1);
        const row = await first.states.readOne(bucket, versionId);
        expect(row).toMatchObject({ token: winners[0]?.token, nonce: winners[0]?.nonce, phase: 'pending' });
        observed = winners[0]?.token ?? 0n;
      }
    },
  },
  {
    name: 'the token of a version only ever rises, also past its removal and its return',
    async run(bench) {
      const store = await bench.open();
      const [bucket, versionId] = [bench.bucket(), bench.id('token')];
      const first = await established(bench, store, { bucket, versionId });
      const second = claimOf(versionId, { observed: first.token });
      await store.states.claim(bucket, [second]);
      expect((await store.states.readOne(bucket, versionId))?.token).toBeGreaterThan(first.token);
      await store.states.settle(bucket, [settlementOf(second)]);
      expect(await store.states.forget(bucket, versionId, second.token)).toBe(true);
      expect(await store.states.readOne(bucket, versionId)).toBeUndefined();
      const again = claimOf(versionId, { token: nextToken(undefined, bench.harness.wallMs() + 1) });
      expect(again.token).toBeGreaterThan(second.token);
      expect(outcomes(await store.states.claim(bucket, [again]))).toEqual({ [versionId]: 'applied' });
      expect((await store.states.readOne(bucket, versionId))?.token).toBe(again.token);
    },
  },
  {
    name: 'tokens survive a restart of the store',
    needs: ['reopen'],
    timeoutMs: 180_000,
    async run(bench) {
      const before = await bench.open();
      const [bucket, versionId] = [bench.bucket(), bench.id('token')];
      const first = await established(bench, before, { bucket, versionId });
      await bench.closeAll();
      const after = (await bench.harness.reopen?.()) as Store;
      try {
        expect(await bench.onceBack(() => after.states.readOne(bucket, versionId))).toMatchObject({
          token: first.token,
          nonce: first.nonce,
          phase: 'settled',
          applied: first.wanted,
        });
        const late = claimOf(versionId, { token: first.token + 5n });
        expect(outcomes(await after.states.claim(bucket, [late]))).toEqual({ [versionId]: 'lost' });
        const next = claimOf(versionId, { observed: first.token });
        expect(outcomes(await after.states.claim(bucket, [next]))).toEqual({ [versionId]: 'applied' });
      } finally {
        await after.close();
      }
    },
  },
  {
    name: 'a claim that would not raise the token, or names a version twice, is refused before it is sent',
    async run(bench) {
      const store = await bench.open();
      const [bucket, versionId] = [bench.bucket(), bench.id('token')];
      const first = await established(bench, store, { bucket, versionId });
      const flat = claimOf(versionId, { observed: first.token, token: first.token });
      await expect(store.states.claim(bucket, [flat])).rejects.toThrow(RangeError);
      const next = claimOf(versionId, { observed: first.token });
      await expect(store.states.claim(bucket, [next, { ...next }])).rejects.toThrow(RangeError);
      expect((await store.states.readOne(bucket, versionId))?.token).toBe(first.token);
    },
  },
  {
    name: 'a claim that does not apply tells absent, present and mine apart',
    async run(bench) {
      const [store, other] = (await bench.openSeveral(2)) as [Store, Store];
      const bucket = bench.bucket();
      const [absent, present, mine] = [bench.id('absent'), bench.id('present'), bench.id('mine')];

      const [ofAbsent] = await store.states.claim(bucket, [claimOf(absent, { observed: 41n, token: 42n })]);
      expect(ofAbsent).toEqual({ versionId: absent, outcome: 'lost', current: undefined });

      const theirs = await established(bench, other, { bucket, versionId: present });
      const [ofPresent] = await store.states.claim(bucket, [claimOf(present, { token: theirs.token + 9n })]);
      expect(currentOf(ofPresent)).toEqual(stateOf(bucket, theirs));

      const own = claimOf(mine);
      expect(outcomes(await store.states.claim(bucket, [own]))).toEqual({ [mine]: 'applied' });
      expect(outcomes(await store.states.claim(bucket, [own]))).toEqual({ [mine]: 'applied' });
      const sameTokenOtherNonce = claimOf(mine, { token: own.token });
      expect(outcomes(await store.states.claim(bucket, [sameTokenOtherNonce]))).toEqual({ [mine]: 'lost' });
    },
  },
  {
    name: 'in a batch, one version whose token moved does not hold the others back',
    async run(bench) {
      const [store, other] = (await bench.openSeveral(2)) as [Store, Store];
      const bucket = bench.bucket();
      const [known, moved, fresh, gone] = [bench.id('known'), bench.id('moved'), bench.id('fresh'), bench.id('gone')];
      const ofKnown = await established(bench, store, { bucket, versionId: known });
      const ofMoved = await established(bench, store, { bucket, versionId: moved });
      const theirs = claimOf(moved, { observed: ofMoved.token, holder: 'host-b/2' });
      expect(outcomes(await other.states.claim(bucket, [theirs]))).toEqual({ [moved]: 'applied' });

      const results = await store.states.claim(bucket, [
        claimOf(known, { observed: ofKnown.token }),
        claimOf(moved, { observed: ofMoved.token }),
        claimOf(fresh),
        claimOf(gone, { observed: 5n, token: 6n }),
      ]);
      expect(outcomes(results)).toEqual({ [known]: 'applied', [moved]: 'lost', [fresh]: 'applied', [gone]: 'lost' });
      expect(currentOf(results.find(({ versionId }) => versionId === moved))).toMatchObject({
        token: theirs.token,
        holder: 'host-b/2',
        phase: 'pending',
      });
      expect((await other.states.readOne(bucket, known))?.token).toBe(ofKnown.token + 1n);
    },
  },
  {
    name: 'an empty batch is no work',
    async run(bench) {
      const store = await bench.open();
      expect(await store.states.claim(bench.bucket(), [])).toEqual([]);
      expect(await store.states.settle(bench.bucket(), [])).toEqual([]);
      expect(await store.states.read([])).toEqual([]);
      expect(await store.catalogue.read([])).toEqual([]);
    },
  },
  {
    name: 'a settlement under an old token or a foreign nonce never changes the row',
    async run(bench) {
      const [store, other] = (await bench.openSeveral(2)) as [Store, Store];
      const [bucket, versionId] = [bench.bucket(), bench.id('settle')];
      const old = claimOf(versionId, { wanted: 4 });
      await store.states.claim(bucket, [old]);
      const newer = claimOf(versionId, { observed: old.token, wanted: 9, holder: 'host-b/2' });
      expect(outcomes(await other.states.claim(bucket, [newer]))).toEqual({ [versionId]: 'applied' });
      const before = await other.states.readOne(bucket, versionId);

      const late = settlementOf(old);
      const forged = settlementOf(newer, { nonce: old.nonce });
      const absent = settlementOf(claimOf(bench.id('absent')));
      for (const settlement of [late, forged, absent]) {
        expect(outcomes(await store.states.settle(bucket, [settlement]))).toEqual({
          [settlement.versionId]: 'superseded',
        });
      }
      expect(await other.states.readOne(bucket, versionId)).toEqual(before);
      expect(await other.states.readOne(bucket, absent.versionId)).toBeUndefined();

      expect(outcomes(await other.states.settle(bucket, [settlementOf(newer)]))).toEqual({ [versionId]: 'settled' });
      expect(outcomes(await other.states.settle(bucket, [settlementOf(newer)]))).toEqual({ [versionId]: 'settled' });
    },
  },
  {
    name: 'in a batch of settlements, one that is superseded does not hold the others back',
    async run(bench) {
      const store = await bench.open();
      const bucket = bench.bucket();
      const claims = ['a', 'b', 'c'].map((name) => claimOf(bench.id(name)));
      const [a, b, c] = claims as [Claim, Claim, Claim];
      await store.states.claim(bucket, claims);
      const overtaken = claimOf(b.versionId, { observed: b.token });
      await store.states.claim(bucket, [overtaken]);
      const failed = settlementOf(c, { outcome: 'failed', applied: c.previous, appliedToken: 0n });
      expect(outcomes(await store.states.settle(bucket, [settlementOf(a), settlementOf(b), failed]))).toEqual({
        [a.versionId]: 'settled',
        [b.versionId]: 'superseded',
        [c.versionId]: 'settled',
      });
      expect(await store.states.readOne(bucket, a.versionId)).toEqual(stateOf(bucket, a));
      expect(await store.states.readOne(bucket, b.versionId)).toMatchObject({
        phase: 'pending',
        token: overtaken.token,
      });
      expect(await store.states.readOne(bucket, c.versionId)).toMatchObject({ outcome: 'failed', applied: c.previous });
    },
  },
  {
    name: 'a new claim keeps what was last applied, until it is settled itself',
    async run(bench) {
      const store = await bench.open();
      const [bucket, versionId] = [bench.bucket(), bench.id('keep')];
      const first = await established(bench, store, { bucket, versionId });
      const second = claimOf(versionId, { observed: first.token, wanted: 8, previous: undefined, memo: '{"n":2}' });
      await store.states.claim(bucket, [second]);
      expect(await store.states.readOne(bucket, versionId)).toMatchObject({
        phase: 'pending',
        wanted: 8,
        previous: undefined,
        memo: '{"n":2}',
        applied: first.wanted,
        appliedToken: first.token,
      });
      const unknown = settlementOf(second, { outcome: 'unknown', applied: undefined, appliedToken: first.token });
      await store.states.settle(bucket, [unknown]);
      expect(await store.states.readOne(bucket, versionId)).toMatchObject({
        phase: 'settled',
        outcome: 'unknown',
        applied: undefined,
        appliedToken: first.token,
        settledMs: unknown.settledMs,
        memo: unknown.memo,
      });
    },
  },
  {
    name: 'a claim is seen at once by a linearizable read from another client',
    async run(bench) {
      const [writer, reader] = (await bench.openSeveral(2)) as [Store, Store];
      const [bucket, versionId] = [bench.bucket(), bench.id('seen')];
      let observed: bigint | undefined;
      for (let round = 0; round < 25; round += 1) {
        const claim = claimOf(versionId, { observed, wanted: round });
        await writer.states.claim(bucket, [claim]);
        const row = await reader.states.readOne(bucket, versionId);
        expect(row).toMatchObject({ token: claim.token, wanted: round });
        observed = claim.token;
      }
    },
  },
  {
    name: 'a settled row is seen whole by a plain read of its bucket from another client',
    async run(bench) {
      const [writer, reader] = (await bench.openSeveral(2)) as [Store, Store];
      const [bucket, other] = [bench.bucket(), bench.bucket()];
      const claims = [claimOf(bench.id('one')), claimOf(bench.id('two'), { previous: undefined, wanted: 0 })];
      const elsewhere = claimOf(bench.id('three'));
      await writer.states.claim(bucket, claims);
      await writer.states.claim(other, [elsewhere]);
      await writer.states.settle(
        bucket,
        claims.map((claim) => settlementOf(claim)),
      );
      await writer.states.settle(other, [settlementOf(elsewhere)]);
      expect(byId(await reader.states.read([bucket]))).toEqual(byId(claims.map((claim) => stateOf(bucket, claim))));
      expect(byId(await reader.states.read([bucket, other, bucket]))).toEqual(
        byId([...claims.map((claim) => stateOf(bucket, claim)), stateOf(other, elsewhere)]),
      );
    },
  },
  {
    name: 'tokens of 64 bits are told apart and come back exactly',
    async run(bench) {
      const store = await bench.open();
      const bucket = bench.bucket();
      for (const token of [2n ** 53n + 1n, 2n ** 63n - 2n]) {
        const versionId = bench.id('wide');
        const claim = claimOf(versionId, { token });
        await store.states.claim(bucket, [claim]);
        await store.states.settle(bucket, [settlementOf(claim)]);
        expect(await store.states.readOne(bucket, versionId)).toMatchObject({ token, appliedToken: token });
        expect((await store.states.read([bucket])).find((row) => row.versionId === versionId)).toMatchObject({ token });
        // One off is another token, though it is the same float.
        const off = claimOf(versionId, { observed: token - 1n, token: token + 1n });
        expect(outcomes(await store.states.claim(bucket, [off]))).toEqual({ [versionId]: 'lost' });
        const next = claimOf(versionId, { observed: token });
        expect(outcomes(await store.states.claim(bucket, [next]))).toEqual({ [versionId]: 'applied' });
      }
    },
  },
  {
    name: 'five hundred concurrent claims on one bucket all end, applied, once',
    timeoutMs: 60_000,
    async run(bench) {
      const stores = await bench.openSeveral(3);
      const bucket = bench.bucket();
      const claims = Array.from({ length: 500 }, () => claimOf(bench.id('many')));
      // All clients at once where they can; a store may refuse as busy under such a rush, and then the caller comes again.
      const results = await Promise.all(
        claims.map((claim, index) =>
          bench.onceBack(async () => {
            const [result] = await (stores[index % stores.length] as Store).states.claim(bucket, [claim]);
            return result?.outcome;
          }),
        ),
      );
      expect(results.filter((outcome) => outcome === 'applied')).toHaveLength(500);
      expect(await (stores[0] as Store).states.read([bucket])).toHaveLength(500);
    },
  },
  {
    name: 'one batch of five hundred claims and settlements',
    timeoutMs: 60_000,
    async run(bench) {
      const store = await bench.open();
      const bucket = bench.bucket();
      const claims = Array.from({ length: 500 }, () => claimOf(bench.id('batch')));
      const claimed = await store.states.claim(bucket, claims);
      expect(claimed.filter(({ outcome }) => outcome === 'applied')).toHaveLength(500);
      const settled = await store.states.settle(
        bucket,
        claims.map((claim) => settlementOf(claim)),
      );
      expect(settled.filter(({ outcome }) => outcome === 'settled')).toHaveLength(500);
      const rows = await store.states.read([bucket]);
      expect(rows.filter(({ phase }) => phase === 'settled')).toHaveLength(500);
    },
  },
  {
    name: 'a client killed between claim and settle leaves the claim pending and readable',
    needs: ['kill'],
    timeoutMs: 60_000,
    async run(bench) {
      const [reader] = (await bench.openSeveral(1)) as [Store];
      const victim = await bench.harness.open();
      const [bucket, versionId] = [bench.bucket(), bench.id('orphan')];
      const claim = claimOf(versionId, { holder: 'host-c/3', wanted: 17 });
      expect(outcomes(await victim.states.claim(bucket, [claim]))).toEqual({ [versionId]: 'applied' });
      await bench.harness.kill?.(victim);
      const row = await reader.states.readOne(bucket, versionId);
      expect(row).toMatchObject({ phase: 'pending', holder: 'host-c/3', wanted: 17, token: claim.token });
      const heir = claimOf(versionId, { observed: claim.token });
      expect(outcomes(await bench.onceBack(() => reader.states.claim(bucket, [heir])))).toEqual({
        [versionId]: 'applied',
      });
    },
  },
  {
    name: 'forget removes only a settled row that still has the token',
    async run(bench) {
      const store = await bench.open();
      const [bucket, versionId] = [bench.bucket(), bench.id('forget')];
      expect(await store.states.forget(bucket, versionId, 1n)).toBe(false);
      const claim = claimOf(versionId);
      await store.states.claim(bucket, [claim]);
      expect(await store.states.forget(bucket, versionId, claim.token)).toBe(false);
      await store.states.settle(bucket, [settlementOf(claim)]);
      expect(await store.states.forget(bucket, versionId, claim.token - 1n)).toBe(false);
      expect(await store.states.readOne(bucket, versionId)).toBeDefined();
      expect(await store.states.forget(bucket, versionId, claim.token)).toBe(true);
      expect(await store.states.read([bucket])).toEqual([]);
    },
  },
];

/** The row that a claim leaves behind once it was settled as applied. */
function stateOf(bucket: number, claim: Claim): FunctionState {
  const { observed: _, ...wish } = claim;
  const { applied, appliedToken, outcome, settledMs, memo } = settlementOf(claim);
  return { bucket, ...wish, phase: 'settled', applied, appliedToken, outcome, settledMs, memo };
}

function byId(rows: readonly FunctionState[]): FunctionState[] {
  return [...rows].sort((one, other) => (one.versionId < other.versionId ? -1 : 1));
}

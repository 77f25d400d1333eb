import { expect } from 'vitest';
import type { ActiveVersion } from '../../../src/domain/active-version.ts';
import type { Control } from '../../../src/domain/control.ts';
import type { Store } from '../../../src/ports/store.ts';
import { placeVersion } from '../../../src/sharding/place.ts';
import { outcomes } from './bench.ts';
import { activeOf, claimOf, entryOf, memberOf, settlementOf } from './rows.ts';
import type { ContractCase } from './store-contract.ts';

const TTL = { ttlSeconds: 1800 };

const ODD_IDS = [
  `quote'"\`;--`,
  'line\nbreak\r\n\ttab',
  'back\\slash %s {} $1 ?',
  "'; DROP TABLE function_state; --",
  'ünïcødé-日本語-🐦‍⬛',
  '😀'.repeat(127) + 'x',
  'x'.repeat(255),
  ' leading and trailing ',
  'é',
  'e\u0301',
];

export const rowCases: readonly ContractCase[] = [
  {
    name: 'a beat is seen by the next poll of another client, field for field, and so is the next beat',
    async run(bench) {
      const [me, other] = (await bench.openSeveral(2)) as [Store, Store];
      const row = memberOf(bench.id('host-ä/uuid'), { beat: 41, weight: 2, address: '' });
      await me.roster.beat(row);
      const find = async () => (await other.roster.list()).filter(({ memberId }) => memberId === row.memberId);
      expect(await find()).toEqual([row]);
      await me.roster.beat({ ...row, beat: 42 });
      expect(await find()).toEqual([{ ...row, beat: 42 }]);
    },
  },
  {
    name: 'a leaving member is seen as leaving, and one that left is not seen as active again',
    async run(bench) {
      const [me, other] = (await bench.openSeveral(2)) as [Store, Store];
      const row = memberOf(bench.id('leaver'));
      const states = async () =>
        (await other.roster.list()).filter(({ memberId }) => memberId === row.memberId).map(({ state }) => state);
      await me.roster.beat(row);
      await me.roster.beat({ ...row, beat: 2, state: 'leaving' });
      expect(await states()).toEqual(['leaving']);
      await me.roster.beat({ ...row, beat: 3, state: 'left' });
      expect(await states()).not.toContain('active');
      expect(await states()).not.toContain('leaving');
    },
  },
  {
    name: 'an active row is there within its time to live and gone after it; a refresh keeps it',
    needs: ['pass'],
    timeoutMs: 60_000,
    async run(bench) {
      const store = await bench.open();
      const bucket = bench.bucket();
      const [brief, refreshed] = [bench.id('brief'), bench.id('refreshed')];
      const ids = async () => (await store.catalogue.read([bucket])).map(({ versionId }) => versionId).sort();
      const rows = [brief, refreshed].map((id) => activeOf(id, { bucket }));
      await store.catalogue.enrol(bucket, rows, { ttlSeconds: 4 });
      await bench.harness.pass?.(1500);
      expect(await ids()).toEqual([brief, refreshed].sort());
      await store.catalogue.enrol(bucket, [activeOf(refreshed, { bucket })], { ttlSeconds: 60 });
      await bench.harness.pass?.(4500);
      expect(await ids()).toEqual([refreshed]);
    },
  },
  {
    name: 'reading a bucket returns every row exactly once over many pages, while others write',
    timeoutMs: 120_000,
    async run(bench) {
      const [reader, writer] = (await bench.openSeveral(2)) as [Store, Store];
      const bucket = bench.bucket();
      const count = Math.ceil(bench.harness.pageRows * 3.5);
      const rows = Array.from({ length: count }, (_, index) =>
        activeOf(bench.id(`row-${String(index).padStart(5, '0')}`), { bucket }),
      );
      for (let index = 0; index < count; index += 50) {
        await writer.catalogue.enrol(bucket, rows.slice(index, index + 50), TTL);
      }
      let isReading = true;
      const disturb = async () => {
        for (let round = 0; isReading; round += 1) {
          const index = (round * 37) % count;
          const refreshed = rows.slice(index, index + 20).map((row) => ({ ...row, seenMs: row.seenMs + round }));
          await writer.catalogue.enrol(bucket, [...refreshed, activeOf(bench.id('new'), { bucket })], TTL);
        }
      };
      const disturbance = disturb();
      try {
        for (let round = 0; round < 5; round += 1) {
          const ids = (await reader.catalogue.read([bucket])).map(({ versionId }) => versionId);
          expect(new Set(ids).size).toBe(ids.length);
          const seen = new Set(ids);
          expect(rows.filter(({ versionId }) => !seen.has(versionId))).toEqual([]);
        }
      } finally {
        isReading = false;
        await disturbance;
      }
    },
  },
  {
    name: 'reading all buckets returns the rows of all of them',
    timeoutMs: 60_000,
    async run(bench) {
      const store = await bench.open();
      const all = Array.from({ length: bench.harness.layout.bucketCount }, (_, bucket) => bucket);
      // The upper half is out of reach of `bench.bucket()`, so that no other case finds these rows in its bucket.
      const half = all.length / 2;
      const rows = Array.from({ length: 200 }, () => {
        const versionId = bench.id('spread');
        return activeOf(versionId, { bucket: half + placeVersion(versionId, half) });
      });
      await Promise.all(rows.map((row) => store.catalogue.enrol(row.bucket, [row], TTL)));
      const ours = new Set(rows.map(({ versionId }) => versionId));
      const found = (await store.catalogue.read(all)).filter(({ versionId }) => ours.has(versionId));
      expect(sorted(found)).toEqual(sorted(rows));
      const some = new Set(rows.slice(0, 20).map(({ bucket }) => bucket));
      const part = await store.catalogue.read([...some]);
      expect(part.every(({ bucket }) => some.has(bucket))).toBe(true);
      expect(sorted(part.filter(({ versionId }) => ours.has(versionId)))).toEqual(
        sorted(rows.filter(({ bucket }) => some.has(bucket))),
      );
    },
  },
  {
    name: 'a writer whose clock ran ahead does not hide a later refresh by another',
    async run(bench) {
      const [ahead, right] = (await bench.openSeveral(2)) as [Store, Store];
      const [bucket, versionId] = [bench.bucket(), bench.id('skew')];
      const early = activeOf(versionId, { bucket, seenMs: bench.harness.wallMs() + 3_600_000, discoveryToken: 8n });
      const late = activeOf(versionId, {
        bucket,
        seenMs: bench.harness.wallMs(),
        discoveryToken: 2n ** 53n + 1n,
        profiles: ['llm-gateway'],
        account: 'another',
      });
      await ahead.catalogue.enrol(bucket, [early], TTL);
      await right.catalogue.enrol(bucket, [late], TTL);
      expect(await ahead.catalogue.read([bucket])).toEqual([late]);
    },
  },
  {
    name: 'odd ids come back unchanged and stay in their bucket',
    timeoutMs: 60_000,
    async run(bench) {
      const [store, reader] = (await bench.openSeveral(2)) as [Store, Store];
      const [bucket, other] = [bench.bucket(), bench.bucket()];
      const rows: ActiveVersion[] = ODD_IDS.map((id) =>
        activeOf(id, { bucket, functionId: id, account: id, profiles: [id] }),
      );
      await store.catalogue.enrol(bucket, rows, TTL);
      expect(sorted(await reader.catalogue.read([bucket]))).toEqual(sorted(rows));
      expect(await reader.catalogue.read([other])).toEqual([]);

      const claims = ODD_IDS.map((id) => claimOf(id, { memo: JSON.stringify({ id }), reason: id, holder: id }));
      const results = outcomes(await store.states.claim(bucket, claims));
      expect(Object.values(results).every((outcome) => outcome === 'applied')).toBe(true);
      await store.states.settle(
        bucket,
        claims.map((claim) => settlementOf(claim, { memo: claim.memo })),
      );
      for (const claim of claims) {
        const row = await reader.states.readOne(bucket, claim.versionId);
        expect(row).toMatchObject({
          versionId: claim.versionId,
          memo: claim.memo,
          reason: claim.reason,
          phase: 'settled',
        });
        expect(await reader.states.readOne(other, claim.versionId)).toBeUndefined();
      }
      for (const id of ODD_IDS) {
        const entry = entryOf(id, bench.harness.wallMs(), { functionId: id, detail: id });
        await store.ledger.record([entry]);
        expect(await reader.ledger.recall(id, { limit: 5 })).toEqual([entry]);
      }
    },
  },
  {
    name: 'the ledger is append only and told newest first, a page at a time',
    async run(bench) {
      const [store, reader] = (await bench.openSeveral(2)) as [Store, Store];
      const [versionId, other] = [bench.id('told'), bench.id('untold')];
      const nowMs = bench.harness.wallMs();
      // Two days, two entries of one millisecond, and one entry that was never acted on.
      const entries = [
        entryOf(versionId, nowMs - 86_400_000 * 2),
        entryOf(versionId, nowMs - 60_000, { verdict: 'keep', outcome: undefined, token: undefined }),
        entryOf(versionId, nowMs - 1000, { wanted: undefined, previous: undefined, actual: undefined }),
        entryOf(versionId, nowMs - 1000, { detail: 'the other of the same millisecond' }),
        entryOf(versionId, nowMs, { token: 2n ** 53n + 1n }),
      ];
      await store.ledger.record(entries.slice(0, 3));
      await store.ledger.record([...entries.slice(3), entryOf(other, nowMs)]);
      await store.ledger.record([]);
      const all = await reader.ledger.recall(versionId, { limit: 100 });
      expect(all.map(({ atMs }) => atMs)).toEqual([0, 1000, 1000, 60_000, 172_800_000].map((age) => nowMs - age));
      expect(all[0]).toEqual(entries[4]);
      expect(all.slice(1, 3)).toEqual(expect.arrayContaining(entries.slice(2, 4)));
      expect(all.slice(3)).toEqual([entries[1], entries[0]]);
      expect(await reader.ledger.recall(versionId, { limit: 2 })).toEqual(all.slice(0, 2));
      expect(await reader.ledger.recall(versionId, { limit: 9, beforeMs: nowMs - 1000 })).toEqual(all.slice(3));
      expect(await reader.ledger.recall(bench.id('nobody'), { limit: 9 })).toEqual([]);
    },
  },
  {
    name: 'infinite samples survive the ledger',
    async run(bench) {
      const store = await bench.open();
      const versionId = bench.id('infinite');
      const atMs = bench.harness.wallMs();
      const entry = entryOf(versionId, atMs, { utilisation: [{ atMs, value: Number.POSITIVE_INFINITY }] });
      await store.ledger.record([entry]);
      expect(await store.ledger.recall(versionId, { limit: 1 })).toEqual([entry]);
    },
  },
  {
    name: 'controls: one of a kind per version, the newest wins, each ends by itself',
    async run(bench) {
      const [store, reader] = (await bench.openSeveral(2)) as [Store, Store];
      const nowMs = bench.harness.wallMs();
      const [versionId, other] = [bench.id(`it's "paused"`), bench.id('other')];
      const pause: Control = { kind: 'pause', versionId, until: nowMs + 60_000, by: 'ada', why: 'a "test"\nof pauses' };
      const override: Control = { kind: 'override', versionId, wanted: 7, until: nowMs + 60_000, by: 'bob', why: '' };
      const longer: Control = { ...pause, until: nowMs + 120_000, by: 'eve' };
      const release: Control = { kind: 'freeze-release', until: nowMs + 30_000, by: 'ada', why: 'known' };
      const elsewhere: Control = { ...pause, versionId: other };
      const standing = async (atMs: number) =>
        (await reader.controls.list(atMs)).filter(
          (control) => control.kind === 'freeze-release' || [versionId, other].includes(control.versionId),
        );

      for (const control of [pause, override, elsewhere, release, longer]) await store.controls.put(control);
      const all = await standing(nowMs);
      expect(all).toHaveLength(4);
      expect(all).toEqual(expect.arrayContaining([override, elsewhere, release, longer]));

      expect(await standing(nowMs + 60_000)).toEqual([longer]);
      // A shorter one replaces a longer one: the newest word counts, not the longest.
      await store.controls.put(pause);
      expect(await standing(nowMs + 60_000)).toEqual([]);

      await store.controls.remove('pause', versionId);
      await store.controls.remove('pause', versionId);
      await store.controls.remove('freeze-release', '');
      const left = await standing(nowMs);
      expect(left).toHaveLength(2);
      expect(left).toEqual(expect.arrayContaining([override, elsewhere]));
    },
  },
];

function sorted(rows: readonly ActiveVersion[]): ActiveVersion[] {
  return [...rows].sort((one, other) => (one.versionId < other.versionId ? -1 : 1));
}

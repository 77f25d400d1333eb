import { expect } from 'vitest';
import type { Store } from '../../../src/ports/store.ts';
import { kindOfFailure } from './bench.ts';
import { activeOf, claimOf, memberOf } from './rows.ts';
import type { ContractCase } from './store-contract.ts';

export const lifeCases: readonly ContractCase[] = [
  {
    name: 'another layout is refused with both values named, the same one is welcome',
    async run(bench) {
      const store = await bench.open();
      const { layout } = bench.harness;
      await store.agree(layout);
      const others = [
        { ...layout, bucketCount: layout.bucketCount * 2 },
        { ...layout, placement: 'label:bucket' },
        { ...layout, schemaVersion: layout.schemaVersion + 1 },
      ];
      for (const other of others) {
        expect(await kindOfFailure(store.agree(other))).toBe('schema');
      }
      await expect(store.agree({ ...layout, bucketCount: 77 })).rejects.toThrow(
        new RegExp(`bucketCount.*${layout.bucketCount}.*77`),
      );
      await store.agree(layout);
    },
  },
  {
    name: 'the layout that was agreed on can be read without agreeing',
    async run(bench) {
      const store = await bench.open();
      await store.agree(bench.harness.layout);
      expect(await store.readLayout()).toEqual(bench.harness.layout);
    },
  },
  {
    name: 'several members that start at once agree on one layout',
    timeoutMs: 60_000,
    async run(bench) {
      const stores = await bench.openSeveral(4);
      await Promise.all(stores.map((store) => store.agree(bench.harness.layout)));
    },
  },
  {
    name: 'closing during calls settles every one of them',
    timeoutMs: 60_000,
    async run(bench) {
      const store = await bench.harness.open();
      const bucket = bench.bucket();
      const calls: Promise<unknown>[] = [];
      for (let index = 0; index < 40; index += 1) {
        calls.push(
          store.states.claim(bucket, [claimOf(bench.id('closing'))]),
          store.states.read([bucket]),
          store.catalogue.enrol(bucket, [activeOf(bench.id('closing'), { bucket })], { ttlSeconds: 60 }),
          store.roster.beat(memberOf('closing')),
          store.duties.read('discovery', 1n),
          store.controls.list(0),
        );
      }
      const ends = Promise.allSettled(calls);
      await bench.inTime('close', store.close());
      for (const end of await bench.inTime('a call that was running at close', ends)) {
        if (end.status === 'rejected') expect(await kindOfFailure(Promise.reject(end.reason))).not.toBe('no failure');
      }
      expect(await kindOfFailure(bench.inTime('a call after close', store.roster.list()))).toBe('closed');
      expect(await kindOfFailure(bench.inTime('ping after close', store.ping()))).toBe('closed');
      await bench.inTime('closing twice', store.close());
    },
  },
  {
    name: 'ping answers while the store is there',
    async run(bench) {
      const store: Store = await bench.open();
      await bench.inTime('ping', store.ping());
    },
  },
];

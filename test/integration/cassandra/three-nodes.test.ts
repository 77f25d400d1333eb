import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { CassandraOptions } from '../../../src/adapters/cassandra/cassandra-options.ts';
import { migrate } from '../../../src/adapters/cassandra/schema/migrate.ts';
import { MIGRATIONS } from '../../../src/adapters/cassandra/schema/migrations.ts';
import { CassandraStore } from '../../../src/adapters/cassandra/store.ts';
import { StoreError } from '../../../src/ports/store-error.ts';
import { activeOf, claimOf, entryOf, memberOf, settlementOf } from '../../contract/store/rows.ts';
import { storeContract } from '../../contract/store/store-contract.ts';
import { describeWithCassandra } from '../../support/cassandra/describe-with-cassandra.ts';
import { plainClient } from '../../support/cassandra/plain-client.ts';
import { connectionTo, LEFT_OUT_ON_THREE, threeNodeHarness } from '../../support/cassandra/store-harness.ts';

describeWithCassandra('three nodes', { nodes: 3, proxies: true }, (cluster) => {
  storeContract('Cassandra, three nodes', () => threeNodeHarness(cluster()), LEFT_OUT_ON_THREE);

  describe('when nodes hang', () => {
    let base: CassandraOptions;
    const open: CassandraStore[] = [];

    beforeAll(async () => {
      base = connectionTo(cluster());
      await migrate({ ...base, replication: { [cluster().dataCenter]: 3 } });
    });

    afterEach(async () => {
      for (const node of cluster().nodes) node.resume();
      for (const store of open.splice(0)) await store.close();
    });

    async function connect(): Promise<CassandraStore> {
      const store = await CassandraStore.open(base);
      open.push(store);
      return store;
    }

    it('creates each table once, with one id, when three migrations run at once', { timeout: 120_000 }, async () => {
      const options = { ...base, keyspace: 'at_once', replication: { [cluster().dataCenter]: 3 } };
      const reports = await Promise.all([migrate(options), migrate(options), migrate(options)]);
      for (const { id } of MIGRATIONS) {
        const made = reports.filter(({ steps }) => steps.some((step) => step.id === id && step.state === 'done'));
        expect(made, id).toHaveLength(1);
      }
      const outside = await plainClient(cluster());
      try {
        await outside.connect();
        const views = outside.hosts.values().map(async (host) => {
          const query = "SELECT table_name, id FROM system_schema.tables WHERE keyspace_name = 'at_once'";
          const { rows } = await outside.execute(query, [], { host });
          return rows.map((row) => `${row['table_name']} ${row['id']}`).sort();
        });
        const [first, ...others] = await Promise.all(views);
        expect(first).toHaveLength(MIGRATIONS.length + 1);
        for (const other of others) expect(other).toEqual(first);
      } finally {
        await outside.shutdown();
      }
    });

    it('warns of one copy where three are possible', async () => {
      const report = await migrate({ ...base, keyspace: 'one_copy' });
      expect(report.warnings.join()).toMatch(/1 copy in the cluster: one node down stops all coordination/);
    });

    it('keeps working while one of three nodes hangs, and never reports its own claim as lost', {
      timeout: 120_000,
    }, async () => {
      const store = await connect();
      await store.states.claim(1, [claimOf('warm')]);
      cluster().nodes[2]?.pause();
      const outcomes: Record<string, number> = {};
      const claims = Array.from({ length: 60 }, async (_, index) => {
        const [result] = await store.states.claim(100 + index, [claimOf(`hang-${index}`)]);
        outcomes[result?.outcome ?? ''] = (outcomes[result?.outcome ?? ''] ?? 0) + 1;
      });
      await Promise.all(claims);
      expect(outcomes['lost']).toBeUndefined();
      // Those that the hanging node was asked to coordinate are in doubt at worst; the others went through.
      expect(outcomes['applied']).toBeGreaterThan(20);

      // Once the driver has seen it hang, everything goes past it and in good time.
      await vi.waitFor(
        async () => {
          const startMs = performance.now();
          for (let beat = 0; beat < 10; beat += 1) await store.roster.beat(memberOf('hanging', { beat }));
          const claims = Array.from({ length: 20 }, () => claimOf(`late-${Math.random()}`));
          for (const claim of claims) {
            expect(await store.states.claim(200, [claim])).toMatchObject([{ outcome: 'applied' }]);
          }
          expect(performance.now() - startMs).toBeLessThan(3000);
        },
        { timeout: 60_000, interval: 500 },
      );
    });

    it('ends every call in time with a typed error while there is no quorum, and recovers by itself', {
      timeout: 180_000,
    }, async () => {
      const store = await connect();
      const held = claimOf('quorum');
      await store.states.claim(300, [held]);
      const duty = await store.duties.read('sweep', 1n);
      const active = activeOf('quorum', { bucket: 300 });
      await store.catalogue.enrol(300, [active], { ttlSeconds: 600 });
      cluster().nodes[1]?.pause();
      cluster().nodes[2]?.pause();

      const failed = new Map<string, { kind: string; tookMs: number }>();
      const call = async (name: string, work: Promise<unknown>) => {
        const startMs = performance.now();
        const kind = await work.then(
          (value) => (Array.isArray(value) && value[0]?.outcome) || 'no failure',
          (error: unknown) => (error instanceof StoreError ? error.kind : String(error)),
        );
        failed.set(name, { kind, tookMs: performance.now() - startMs });
      };
      await Promise.all([
        call('beat', store.roster.beat(memberOf('quorum'))),
        call('list', store.roster.list()),
        call('ping', store.ping()),
        call('read', store.states.read([300, 301, 302])),
        call('readOne', store.states.readOne(301, 'quorum')),
        call('active', store.catalogue.read([300])),
        call('enrol', store.catalogue.enrol(300, [active], { ttlSeconds: 600 })),
        call('record', store.ledger.record([entryOf('quorum', Date.now())])),
        call('recall', store.ledger.recall('quorum', { limit: 1 })),
        call('claim', store.states.claim(300, [claimOf('quorum', { observed: held.token })])),
        call('settle', store.states.settle(303, [settlementOf(held)])),
        call('renew', store.duties.renew({ ...duty, nonce: duty.nonce || 'x' })),
      ]);
      for (const [name, { kind, tookMs }] of failed) {
        expect(['unavailable', 'unknown', 'busy'], name).toContain(kind);
        const limitMs = ['beat', 'list', 'ping'].includes(name) ? 1600 : 12_500;
        expect(tookMs, name).toBeLessThan(limitMs);
      }

      for (const node of cluster().nodes) node.resume();
      await vi.waitFor(() => store.ping(), { timeout: 60_000, interval: 250 });
      const row = await vi.waitFor(() => store.states.readOne(300, 'quorum'), { timeout: 60_000, interval: 250 });
      const next = claimOf('quorum', { observed: row?.token });
      const claimed = await vi.waitFor(
        async () => {
          const [result] = await store.states.claim(300, [next]);
          expect(result?.outcome).not.toBe('unknown');
          return result;
        },
        { timeout: 60_000, interval: 250 },
      );
      expect(claimed).toEqual({ versionId: 'quorum', outcome: 'applied' });
      expect(await store.catalogue.read([300])).toEqual([active]);
    });
  });
});

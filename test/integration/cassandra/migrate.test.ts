import { afterEach, beforeAll, expect, it } from 'vitest';
import type { CassandraOptions } from '../../../src/adapters/cassandra/cassandra-options.ts';
import { type MigrationReport, migrate } from '../../../src/adapters/cassandra/schema/migrate.ts';
import { MIGRATIONS, SCHEMA_VERSION } from '../../../src/adapters/cassandra/schema/migrations.ts';
import { CassandraStore } from '../../../src/adapters/cassandra/store.ts';
import { describeWithCassandra } from '../../support/cassandra/describe-with-cassandra.ts';
import { plainClient } from '../../support/cassandra/plain-client.ts';
import { connectionTo } from '../../support/cassandra/store-harness.ts';

const LAYOUT = { bucketCount: 1024, placement: 'murmur3', schemaVersion: SCHEMA_VERSION };

describeWithCassandra('migrations on one node', {}, (cluster) => {
  let base: CassandraOptions;
  let keyspaces = 0;
  const open: CassandraStore[] = [];

  beforeAll(() => {
    base = connectionTo(cluster());
  });

  afterEach(async () => {
    for (const store of open.splice(0)) await store.close();
  });

  function fresh(): CassandraOptions {
    keyspaces += 1;
    return { ...base, keyspace: `migrated_${keyspaces}` };
  }

  async function run(cql: string): Promise<Record<string, unknown>[]> {
    const client = await plainClient(cluster());
    try {
      return (await client.execute(cql)).rows ?? [];
    } finally {
      await client.shutdown();
    }
  }

  const states = (report: MigrationReport) => new Set(report.steps.map(({ state }) => state));

  it('creates everything, and changes nothing the second time', async () => {
    const options = fresh();
    const told: string[] = [];
    const first = await migrate(options, { step: ({ id }) => told.push(id), waiting() {} });
    expect(told).toEqual(['000-keyspace', ...MIGRATIONS.map(({ id }) => id)]);
    expect(states(first)).toEqual(new Set(['done']));
    expect(first.replication).toContain('SimpleStrategy');
    expect(first.warnings).toEqual([]);
    expect(states(await migrate(options))).toEqual(new Set(['already-there']));

    const store = await CassandraStore.open(options);
    open.push(store);
    await store.agree(LAYOUT);
    await expect(store.agree({ ...LAYOUT, bucketCount: 512 })).rejects.toMatchObject({
      kind: 'schema',
      message: expect.stringMatching(/bucketCount is 1024 in the store and 512 here/),
    });
    await expect(store.agree({ ...LAYOUT, placement: 'label:b' })).rejects.toMatchObject({ kind: 'schema' });
  });

  it('prints what it would do and changes nothing', async () => {
    const options = fresh();
    const plan = await migrate({ ...options, isDryRun: true });
    expect(states(plan)).toEqual(new Set(['planned']));
    expect(plan.steps.map(({ cql }) => cql).join(';\n')).toMatch(/CREATE KEYSPACE.*CREATE TABLE.*settings.*decisions/s);
    expect(await run(`SELECT * FROM system_schema.keyspaces WHERE keyspace_name = '${options.keyspace}'`)).toEqual([]);
    await migrate(options);
    expect(states(await migrate({ ...options, isDryRun: true }))).toEqual(new Set(['already-there']));
  });

  it('may run three times at once, and creates each table once', { timeout: 120_000 }, async () => {
    for (let round = 0; round < 3; round += 1) {
      const options = fresh();
      const reports = await Promise.all([migrate(options), migrate(options), migrate(options)]);
      for (const { id } of MIGRATIONS) {
        const made = reports.filter(({ steps }) => steps.some((step) => step.id === id && step.state === 'done'));
        expect(made, id).toHaveLength(1);
      }
      const left = await run(`SELECT name FROM ${options.keyspace}.settings WHERE name = 'migration-lock'`);
      expect(left).toEqual([]);
    }
  });

  it('continues where a killed migration stopped', { timeout: 120_000 }, async () => {
    const options = fresh();
    await migrate(options);
    await run(`DROP TABLE ${options.keyspace}.decisions`);
    await run(`DELETE FROM ${options.keyspace}.settings WHERE name = 'migration:005-decisions' IF EXISTS`);
    const report = await migrate(options);
    expect(report.steps.filter(({ state }) => state === 'done').map(({ id }) => id)).toEqual(['005-decisions']);
  });

  it('tells a member to migrate first', async () => {
    const options = fresh();
    const advice = { kind: 'schema', message: expect.stringMatching(/starling migrate/) };
    await expect(CassandraStore.open(options)).rejects.toMatchObject(advice);
    await run(
      `CREATE KEYSPACE ${options.keyspace} WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}`,
    );
    const store = await CassandraStore.open(options);
    open.push(store);
    await expect(store.agree(LAYOUT)).rejects.toMatchObject(advice);
    await expect(store.ping()).rejects.toMatchObject(advice);
    await migrate(options);
    await run(`DELETE FROM ${options.keyspace}.settings WHERE name = 'migration:006-controls' IF EXISTS`);
    await expect(store.agree(LAYOUT)).rejects.toMatchObject({ message: expect.stringMatching(/lacks 006-controls/) });
  });

  it('refuses a replication that is impossible, or that the keyspace does not have', async () => {
    const options = fresh();
    await expect(migrate({ ...options, replication: { elsewhere: 1 } })).rejects.toMatchObject({
      kind: 'schema',
      message: expect.stringMatching(/"elsewhere"; there are: datacenter1/),
    });
    await expect(migrate({ ...options, replication: { datacenter1: 3 } })).rejects.toMatchObject({
      kind: 'schema',
      message: expect.stringMatching(/3 copies in datacenter1, which has 1/),
    });
    await migrate({ ...options, replication: { datacenter1: 1 } });
    expect(states(await migrate({ ...options, replication: { datacenter1: 1 } }))).toEqual(new Set(['already-there']));

    const simple = fresh();
    await migrate(simple);
    await expect(migrate({ ...simple, replication: { datacenter1: 1 } })).rejects.toMatchObject({
      kind: 'schema',
      message: expect.stringMatching(/stands with SimpleStrategy.*ALTER KEYSPACE/),
    });
  });

  it('names the data centres when the local one is not among them', async () => {
    const wrong = CassandraStore.open({ ...base, localDataCenter: 'datacentre1' });
    await expect(wrong).rejects.toMatchObject({ kind: 'schema', message: expect.stringMatching(/datacenter1/) });
  });

  it('tells a missing host from a wrong answer', async () => {
    const nobody = CassandraStore.open({ ...base, contactPoints: ['127.0.0.99'] });
    await expect(nobody).rejects.toMatchObject({
      kind: 'unavailable',
      message: expect.stringMatching(/127\.0\.0\.99/),
    });
    const unresolved = CassandraStore.open({ ...base, contactPoints: ['nowhere.invalid'] });
    await expect(unresolved).rejects.toMatchObject({ kind: 'unavailable' });
  });
});

import { afterEach, beforeAll, expect, it, vi } from 'vitest';
import type { CassandraOptions } from '../../../src/adapters/cassandra/cassandra-options.ts';
import { migrate } from '../../../src/adapters/cassandra/schema/migrate.ts';
import { SCHEMA_VERSION } from '../../../src/adapters/cassandra/schema/migrations.ts';
import { CassandraStore } from '../../../src/adapters/cassandra/store.ts';
import { StoreError } from '../../../src/ports/store-error.ts';
import { claimOf, memberOf } from '../../contract/store/rows.ts';
import { type Authority, makeAuthority } from '../../support/cassandra/certificates.ts';
import { describeWithCassandra } from '../../support/cassandra/describe-with-cassandra.ts';
import { plainClient } from '../../support/cassandra/plain-client.ts';
import { connectionTo } from '../../support/cassandra/store-harness.ts';
import { TcpProxy } from '../../support/tcp-proxy.ts';

const LAYOUT = { bucketCount: 1024, placement: 'murmur3', schemaVersion: SCHEMA_VERSION };

describeWithCassandra(
  'Cassandra with passwords and certificates',
  { authentication: true, tls: 'mutual' },
  (cluster) => {
    const open: Array<{ close(): Promise<void> }> = [];
    let base: CassandraOptions;
    let member: { cert: string; key: string };
    let stranger: Authority;

    beforeAll(async () => {
      const { authority, folder } = cluster();
      if (!authority) throw new Error('the cluster has no authority');
      member = await authority.issue({ name: 'member', subjectAltName: 'DNS:member' });
      stranger = await makeAuthority(folder, 'stranger');
      const { cert, key } = member;
      base = { ...connectionTo(cluster()), tls: { ca: authority.ca, cert, key } };
      await migrate(base);
      await asSuperuser([
        "CREATE ROLE starling WITH PASSWORD = 'first secret' AND LOGIN = true",
        'GRANT SELECT ON KEYSPACE starling TO starling',
        'GRANT MODIFY ON KEYSPACE starling TO starling',
        "CREATE ROLE reader WITH PASSWORD = 'only looks' AND LOGIN = true",
        'GRANT SELECT ON KEYSPACE starling TO reader',
      ]);
    });

    afterEach(async () => {
      for (const one of open.splice(0).reverse()) await one.close();
    });

    async function asSuperuser(statements: readonly string[]): Promise<void> {
      const client = await plainClient(cluster());
      try {
        for (const statement of statements) await client.execute(statement);
      } finally {
        await client.shutdown();
      }
    }

    async function connect(options: Partial<CassandraOptions>): Promise<CassandraStore> {
      const store = await CassandraStore.open({ ...base, ...options });
      open.push(store);
      return store;
    }

    async function refusal(options: Partial<CassandraOptions>): Promise<StoreError> {
      try {
        await connect(options);
      } catch (error) {
        expect(error).toBeInstanceOf(StoreError);
        return error as StoreError;
      }
      throw new Error('it was let in');
    }

    const starling = { username: 'starling', password: 'first secret' };

    it('works with a role that may read and change its keyspace and nothing else', async () => {
      const store = await connect({ credentials: starling });
      await store.agree(LAYOUT);
      await store.ping();
      await store.roster.beat(memberOf('secure'));
      expect(await store.states.claim(1, [claimOf('secure')])).toEqual([{ versionId: 'secure', outcome: 'applied' }]);
      await store.duties.read('sweep', 1n);
      await store.controls.put({ kind: 'pause', versionId: 'v', until: Date.now() + 1000, by: 'x', why: '' });
      await store.controls.remove('pause', 'v');
      const denied = migrate({ ...base, credentials: starling, keyspace: 'another' });
      await expect(denied).rejects.toMatchObject({ kind: 'auth', message: expect.stringMatching(/permission/i) });
    });

    it('finds the only data centre without being given it, with the same secrets', async () => {
      const store = await connect({ localDataCenter: undefined });
      await store.ping();
    });

    it('reports a wrong password without printing it', async () => {
      const error = await refusal({ credentials: { username: 'starling', password: 'wr0ng-canary' } });
      expect(error.kind).toBe('auth');
      expect(error.message).toMatch(/starling.*incorrect.*Check user and password/);
      expect(`${error.message} ${error.stack}`).not.toContain('canary');
      expect((await refusal({ credentials: undefined })).kind).toBe('auth');
    });

    it('reports a missing permission of a role', async () => {
      const store = await connect({ credentials: { username: 'reader', password: 'only looks' } });
      await store.ping();
      await expect(store.roster.beat(memberOf('reader'))).rejects.toMatchObject({
        kind: 'auth',
        message: expect.stringMatching(/MODIFY permission.*docs\/cassandra\.md/),
      });
      await expect(store.states.claim(2, [claimOf('reader')])).rejects.toMatchObject({ kind: 'auth' });
    });

    it('does not trust a node if its authority is another one or not configured', async () => {
      const { cert, key } = member;
      const wrongAuthority = await refusal({ tls: { ca: stranger.ca, cert, key } });
      expect(wrongAuthority.kind).toBe('auth');
      expect(wrongAuthority.message).toMatch(/certificate is not trusted/);
      expect((await refusal({ tls: { cert, key } })).kind).toBe('auth');
    });

    it('does not trust a certificate for another name, unless serverName says so', async () => {
      // The certificate names the node and not 127.0.1.1, where a proxy stands in its place.
      const proxy = new TcpProxy({ host: '127.0.0.1', port: cluster().port });
      const port = await proxy.listen({ host: '127.0.1.1' });
      open.push(proxy);
      const elsewhere = { contactPoints: ['127.0.1.1'], port };
      const error = await refusal(elsewhere);
      expect(error.kind).toBe('auth');
      expect(error.message).toMatch(/127\.0\.1\.1.*certificate is not trusted/);
      const named = { ...base.tls, serverName: 'cassandra.starling.test' };
      await (await connect({ ...elsewhere, tls: named })).ping();
      expect((await refusal({ ...elsewhere, tls: { ...named, serverName: 'other.test' } })).kind).toBe('auth');
    });

    it('skips verification only with insecure: true', async () => {
      const { cert, key } = member;
      await (await connect({ tls: { insecure: true, cert, key } })).ping();
    });

    it('says what may be wrong when only one side uses TLS, or a client certificate is missing', async () => {
      const plain = await refusal({ tls: undefined });
      expect(plain.kind).toBe('unavailable');
      expect(plain.message).toMatch(/TLS/);
      const { ca } = base.tls ?? {};
      const nameless = await refusal({ tls: { ca } });
      expect(['auth', 'unavailable']).toContain(nameless.kind);
    });

    it('switches to a new password without a failed call, and the old one stops working', {
      timeout: 90_000,
    }, async () => {
      await asSuperuser(["CREATE ROLE rotated WITH PASSWORD = 'old' AND LOGIN = true", 'GRANT starling TO rotated']);
      const store = await connect({ credentials: { username: 'rotated', password: 'old' } });
      const failures: unknown[] = [];
      let isOn = true;
      let calls = 0;
      const traffic = Array.from({ length: 4 }, async (_, lane) => {
        for (let beat = 0; isOn; beat += 1) {
          calls += 1;
          const call = lane % 2 ? store.roster.beat(memberOf(`lane-${lane}`, { beat })) : claimOnce(store, lane, beat);
          await call.catch((error: unknown) => failures.push(error));
        }
      });
      try {
        // Cassandra lets a password change once in five seconds.
        const change = () => asSuperuser(["ALTER ROLE rotated WITH PASSWORD = 'new'"]);
        await vi.waitFor(change, { timeout: 20_000, interval: 1000 });

        // A wrong new one is refused, and the old connections go on.
        const wrong = store.replaceSecrets({ credentials: { username: 'rotated', password: 'typo' } });
        await expect(wrong).rejects.toMatchObject({ kind: 'auth' });
        await store.replaceSecrets({ credentials: { username: 'rotated', password: 'new' } });
        const before = calls;
        await vi.waitFor(() => expect(calls).toBeGreaterThan(before + 50), { timeout: 20_000 });
      } finally {
        isOn = false;
        await Promise.all(traffic);
      }
      expect(failures).toEqual([]);
      expect((await refusal({ credentials: { username: 'rotated', password: 'old' } })).kind).toBe('auth');
    });

    it('uses a password that was configured before the role had it, as soon as the role has it', {
      timeout: 90_000,
    }, async () => {
      await asSuperuser(["CREATE ROLE hasty WITH PASSWORD = 'old' AND LOGIN = true", 'GRANT starling TO hasty']);
      const proxy = new TcpProxy({ host: '127.0.0.1', port: cluster().port });
      const port = await proxy.listen();
      open.push(proxy);
      const store = await connect({ port, credentials: { username: 'hasty', password: 'old' } });
      const next = { credentials: { username: 'hasty', password: 'new' } };
      await expect(store.replaceSecrets(next)).rejects.toMatchObject({ kind: 'auth' });
      await store.ping();
      await vi.waitFor(() => asSuperuser(["ALTER ROLE hasty WITH PASSWORD = 'new'"]), {
        timeout: 20_000,
        interval: 1000,
      });
      // The node remembers a password for two seconds.
      const old = { username: 'hasty', password: 'old' };
      await vi.waitFor(async () => expect((await refusal({ credentials: old })).kind).toBe('auth'), 20_000);
      // Old connections would stay open; once they are cut, the old password could not make new ones.
      proxy.reset();
      await vi.waitFor(() => store.ping(), { timeout: 45_000, interval: 250 });
    });

    it('migrates with a role that may create keyspaces', { timeout: 60_000 }, async () => {
      await asSuperuser([
        "CREATE ROLE migrator WITH PASSWORD = 'makes' AND LOGIN = true",
        'GRANT CREATE ON ALL KEYSPACES TO migrator',
      ]);
      const credentials = { username: 'migrator', password: 'makes' };
      const report = await migrate({ ...base, credentials, keyspace: 'by_role' });
      expect(new Set(report.steps.map(({ state }) => state))).toEqual(new Set(['done']));
    });
  },
);

async function claimOnce(store: CassandraStore, bucket: number, beat: number): Promise<void> {
  const [result] = await store.states.claim(bucket, [claimOf(`rotation-${bucket}-${beat}`)]);
  expect(result?.outcome).toBe('applied');
}

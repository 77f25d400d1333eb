import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { describeWithCassandra } from '../../support/cassandra/describe-with-cassandra.ts';
import { plainClient } from '../../support/cassandra/plain-client.ts';
import { ControlPlaneDouble } from '../../support/control-plane/control-plane-double.ts';
import { describeWithTools } from '../../support/kubernetes/describe-with-tools.ts';
import { PodProcess, type Rendered } from '../../support/kubernetes/pod-process.ts';
import { profileFile, render } from '../../support/kubernetes/run-tool.ts';
import { until } from '../../support/member-process.ts';
import { freePort, startTimeseriesServer, type TimeseriesServer } from '../../support/timeseries/timeseries-server.ts';
import { leftOutWithout } from '../autoscale/left-out.ts';

type Secrets = Readonly<Record<string, Readonly<Record<string, string>>>>;

const isLeftOut = await leftOutWithout('prometheus');
const SECRET = 'a secret of the test that is long enough';

/** No kubelet is here: what the chart's Pods say is run as a process against real services, to the letter. */
describeWithTools('chart', 'what the containers of the chart run', () => {
  let folder: string;
  let timeseries: TimeseriesServer;
  let controlPlane: ControlPlaneDouble;
  let pods = 0;
  beforeAll(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'starling-pods-'));
    if (isLeftOut) return;
    timeseries = await startTimeseriesServer('prometheus');
    controlPlane = new ControlPlaneDouble({ auth: { clientId: 'starling', clientSecret: SECRET } });
    await controlPlane.start();
  });
  afterAll(async () => {
    await controlPlane?.stop();
    await timeseries?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  function release(profile: string, values: Readonly<Record<string, unknown>>, secrets: Secrets) {
    const set = Object.entries(values).flatMap(([key, value]) => ['--set-json', `${key}=${JSON.stringify(value)}`]);
    const objects = parseAllDocuments(render('helm4', ['--values', profileFile(profile), ...set])).flatMap(
      (document) => (document.toJS() as Rendered | null) ?? [],
    );
    /** The Pod of this object, or of those that it makes. */
    return (kind: string, name: string) => {
      const object = objects.find((each) => each.kind === kind && each.metadata.name === name);
      if (!object) throw new Error(`no ${kind} ${name}`);
      return new PodProcess(object, { root: path.join(folder, `${pods++}`), cluster: { objects, secrets } });
    };
  }

  const oauth = () => ({
    'config.timeseries.url': timeseries.url,
    'config.controlPlane.url': controlPlane.url,
    'config.controlPlane.auth': {
      kind: 'oauth2',
      tokenUrl: `${controlPlane.url}/oauth2/token`,
      clientId: 'starling',
      scope: 'scale',
    },
  });

  describe('on an SQLite file', { skip: isLeftOut }, () => {
    const secrets: Secrets = { starling: { 'client-secret': SECRET, 'admin-token': SECRET } };
    const sqlite = async () => {
      const [admin, health, metrics] = await Promise.all([freePort(), freePort(), freePort()]);
      return release(
        'sqlite',
        {
          ...oauth(),
          ports: { admin, health, metrics },
          'secrets.existingSecret': 'starling',
          'secrets.controlPlaneClientSecret': { key: 'client-secret' },
          'secrets.adminToken': { key: 'admin-token' },
        },
        secrets,
      );
    };

    it('the replica starts and answers its probes, and the commands of the notes reach it', {
      timeout: 90_000,
    }, async () => {
      const pod = await sqlite();
      const replica = pod('Deployment', 'fleet-starling');
      const running = replica.start();
      try {
        for (const kind of ['startup', 'liveness', 'readiness'] as const) {
          await until(`${kind} probe`, 60_000, async () => (await replica.probe(kind)) === 200);
        }
        const { code, stdout } = await replica.exec(['explain', 'nobody']);
        // Found its configuration and its store, and nothing about that version in it.
        expect({ code, stdout }).toEqual({ code: 3, stdout: expect.stringContaining('nobody') });
      } finally {
        running.child.kill('SIGTERM');
      }
      expect((await running.ended).code).toBe(0);
    });

    it('helm test passes', { timeout: 60_000 }, async () => {
      const pod = await sqlite();
      const { code, stdout, stderr } = await pod('Pod', 'fleet-starling-doctor').start().ended;
      expect(code, stdout + stderr).toBe(0);
      expect(stdout).toMatch(/✓ timeseries: /);
      expect(stdout).toMatch(/✓ control-plane: /);
      expect(stdout).not.toMatch(/✗|store:/);
      expect(controlPlane.issuer.issued, 'with the secret of its mount').toBeGreaterThan(0);
    });

    it('helm test finds what is wrong', { timeout: 60_000 }, async () => {
      const wrong = release(
        'sqlite',
        { ...oauth(), 'secrets.controlPlaneClientSecret': { key: 'client-secret', existingSecret: 'starling' } },
        { starling: { 'client-secret': 'another' } },
      );
      const { code, stdout } = await wrong('Pod', 'fleet-starling-doctor').start().ended;
      expect(code).toBe(3);
      expect(stdout).toMatch(/✗ control-plane: .*(credentials|secret|401|invalid_client)/i);
    });

    it('a missing Secret keeps Pods from starting', async () => {
      const pod = release(
        'sqlite',
        { ...oauth(), 'secrets.controlPlaneClientSecret': { key: 'client-secret', existingSecret: 'absent' } },
        {},
      );
      expect(() => pod('Pod', 'fleet-starling-doctor').start()).toThrow('secret "absent" has no key client-secret');
    });
  });

  describeWithCassandra(
    'as in production, on Cassandra with passwords and TLS',
    { authentication: true, tls: 'server' },
    (cluster) => {
      it('the migration creates the tables, also when it runs twice, and helm test passes', {
        timeout: 180_000,
        skip: isLeftOut,
      }, async () => {
        const { contactPoints, port, dataCenter, authority } = cluster();
        const pod = release(
          'cassandra',
          {
            ...oauth(),
            'config.store.url': `cassandra://${contactPoints[0]}:${port}/charted?dc=${dataCenter}`,
            'config.store.cassandra.replication': { [dataCenter]: 1 },
            'migration.cassandraUser': 'cassandra',
          },
          {
            starling: { 'cassandra-password': SECRET, 'timeseries-token': SECRET, 'client-secret': SECRET },
            'cassandra-superuser': { password: 'cassandra' },
            'cassandra-ca': { 'ca.crt': authority?.ca ?? '' },
          },
        );
        const migrated = await pod('Job', 'fleet-starling-migrate').start().ended;
        expect(migrated.code, migrated.stdout + migrated.stderr).toBe(0);
        const again = await pod('Job', 'fleet-starling-migrate').start().ended;
        expect(again.code, again.stdout + again.stderr).toBe(0);
        const client = await plainClient(cluster());
        try {
          await client.execute(`CREATE ROLE starling WITH PASSWORD = '${SECRET}' AND LOGIN = true`);
          for (const right of ['SELECT', 'MODIFY']) {
            await client.execute(`GRANT ${right} ON KEYSPACE charted TO starling`);
          }
        } finally {
          await client.shutdown();
        }
        const { code, stdout, stderr } = await pod('Pod', 'fleet-starling-doctor').start().ended;
        expect(code, stdout + stderr).toBe(0);
        for (const area of ['store', 'timeseries', 'control-plane']) expect(stdout).toContain(`✓ ${area}: `);
        expect(stdout).not.toContain('✗');
      });
    },
  );
});

import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeWithCassandra } from '../../support/cassandra/describe-with-cassandra.ts';
import { plainClient } from '../../support/cassandra/plain-client.ts';
import { until } from '../../support/member-process.ts';
import { type Ended, starling } from '../../support/run-starling.ts';
import { RunningDev } from '../../support/running-dev.ts';

interface Finding {
  readonly what: string;
  readonly state: string;
  readonly detail: string;
  readonly mend: string;
}

describeWithCassandra('commands on a real Cassandra', { authentication: true }, (cluster) => {
  let directory: string;
  const passwords = new Map<string, string>();

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'starling-commands-'));
    const { credentials } = cluster();
    if (!credentials) throw new Error('the cluster wants no password');
    keep(credentials.username, credentials.password);
    keep('looker', 'only-looks');
    keep('typo', 'wr0ng-canary');
  });

  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  function keep(user: string, password: string): void {
    const file = join(directory, user);
    writeFileSync(file, `${password}\n`);
    chmodSync(file, 0o600);
    passwords.set(user, file);
  }

  function run(command: string, options: { keyspace: string; user?: string; more?: string[] }): Promise<Ended> {
    const { contactPoints, port, dataCenter, credentials } = cluster();
    const { keyspace, user = credentials?.username ?? '', more = [] } = options;
    const login = user === 'typo' ? credentials?.username : user;
    const url = `cassandra://${contactPoints.join(',')}:${port}/${keyspace}?dc=${dataCenter}`;
    const secrets = [
      '--store-cassandra-user',
      login ?? '',
      '--store-cassandra-password-file',
      passwords.get(user) ?? '',
    ];
    return starling([command, '--store', url, ...secrets, ...more]);
  }

  async function doctor(options: Parameters<typeof run>[1]): Promise<{ code: number | null; findings: Finding[] }> {
    const { code, stdout } = await run('doctor', { ...options, more: ['--only', 'store', '-o', 'json'] });
    return { code, findings: (JSON.parse(stdout) as { findings: Finding[] }).findings };
  }

  async function cql(...statements: string[]): Promise<void> {
    const client = await plainClient(cluster());
    try {
      for (const statement of statements) await client.execute(statement);
    } finally {
      await client.shutdown();
    }
  }

  it('migrates three times at once, and again, with progress and result on different streams', async () => {
    const all = await Promise.all([1, 2, 3].map(() => run('migrate', { keyspace: 'fleet', more: ['-o', 'json'] })));
    for (const { code, stdout, stderr } of all) {
      expect(code, stderr).toBe(0);
      expect(JSON.parse(stdout)).toMatchObject({ keyspace: 'fleet', steps: expect.any(Array), warnings: [] });
      expect(stderr).toMatch(/^000-keyspace: /m);
    }
    const again = await run('migrate', { keyspace: 'fleet' });
    expect(again.code).toBe(0);
    expect(again.stdout).toMatch(/^keyspace fleet \(SimpleStrategy .*\) is as this version needs it\n$/);
    expect(
      again.stderr
        .trim()
        .split('\n')
        .every((line) => line.endsWith(': already-there')),
    ).toBe(true);
  });

  it('prints what it would do, and changes nothing', async () => {
    const { code, stdout } = await run('migrate', { keyspace: 'planned', more: ['--print-only'] });
    expect(code).toBe(0);
    expect(stdout).toMatch(/^-- 000-keyspace: planned\nCREATE KEYSPACE IF NOT EXISTS "planned".*;\n/);
    const { findings } = await doctor({ keyspace: 'planned' });
    expect(findings.at(-1)).toMatchObject({
      what: 'connects',
      state: 'bad',
      detail: expect.stringContaining('planned'),
    });
  });

  it.each([
    [['--store-cassandra-replication', 'elsewhere=1'], /names the data centre "elsewhere"; there are: datacenter1/],
    [['--store-cassandra-replication', 'datacenter1=3'], /3 copies in datacenter1, which has 1/],
  ])('refuses %j with 2', async (more, says) => {
    const { code, stdout, stderr } = await run('migrate', { keyspace: 'impossible', more });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(says);
  });

  it('ends with 5 for a wrong password and for a role without permission, and prints no password', async () => {
    await cql("CREATE ROLE IF NOT EXISTS looker WITH PASSWORD = 'only-looks' AND LOGIN = true");
    const [typo, looker] = await Promise.all([
      run('migrate', { keyspace: 'fleet', user: 'typo' }),
      run('migrate', { keyspace: 'another', user: 'looker' }),
    ]);
    expect(typo).toMatchObject({ code: 5, stdout: '', stderr: expect.stringMatching(/Check user and password/) });
    expect(looker).toMatchObject({ code: 5, stdout: '', stderr: expect.stringMatching(/CREATE permission/) });
    expect(typo.stderr).not.toContain('canary');
  });

  it('passes doctor, which names the permission that a role lacks', async () => {
    const well = await doctor({ keyspace: 'fleet' });
    expect(well.findings.filter(({ state }) => state === 'bad')).toEqual([]);
    expect(well.code).toBe(0);
    expect(well.findings.map(({ what }) => what)).toEqual(
      expect.arrayContaining(['connects', 'tables', 'may write', 'has a quorum', 'members', 'active versions']),
    );

    await cql('GRANT SELECT ON KEYSPACE fleet TO looker');
    const looker = await doctor({ keyspace: 'fleet', user: 'looker' });
    expect(looker.code).toBe(3);
    expect(looker.findings.filter(({ state }) => state === 'bad')).toEqual([
      expect.objectContaining({
        what: 'may write',
        detail: expect.stringContaining('MODIFY'),
        mend: expect.stringContaining('role'),
      }),
    ]);

    const typo = await doctor({ keyspace: 'fleet', user: 'typo' });
    expect(typo.findings.at(-1)).toMatchObject({ what: 'connects', state: 'bad' });
    expect(JSON.stringify(typo.findings)).not.toContain('canary');
  });

  it('fails doctor when the keyspace is wrong or was never migrated', async () => {
    const wrong = await doctor({ keyspace: 'nowhere' });
    expect(wrong.code).toBe(3);
    expect(wrong.findings.at(-1)).toMatchObject({
      what: 'connects',
      state: 'bad',
      mend: expect.stringContaining('starling migrate'),
    });
    await cql("CREATE KEYSPACE bare WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}");
    const bare = await doctor({ keyspace: 'bare' });
    expect(bare.findings.at(-1)).toMatchObject({
      what: 'tables',
      state: 'bad',
      mend: expect.stringContaining('starling migrate'),
    });
  });

  it('keeps a replica from starting, with 2 and one message, when tables are missing or a password is wrong', async () => {
    const any = ['--http-admin', '127.0.0.1:0', '--http-health', '127.0.0.1:0', '--http-metrics', '127.0.0.1:0'];
    const [nowhere, typo] = await Promise.all([
      run('autoscale', { keyspace: 'nowhere', more: any }),
      run('autoscale', { keyspace: 'fleet', user: 'typo', more: any }),
    ]);
    expect(nowhere).toMatchObject({ code: 2, stderr: expect.stringMatching(/^store: .*starling migrate.*\n$/) });
    expect(typo).toMatchObject({ code: 2, stderr: expect.stringMatching(/^store: .*Check user and password.*\n$/) });
    expect(typo.stderr + typo.stdout).not.toContain('canary');
  });

  it('can be the store of starling dev, which creates its tables', { timeout: 120_000 }, async () => {
    const { contactPoints, port, dataCenter, credentials } = cluster();
    const store = `cassandra://${contactPoints.join(',')}:${port}/developed?dc=${dataCenter}`;
    const user = credentials?.username ?? '';
    const login = ['--store-cassandra-user', user, '--store-cassandra-password-file', passwords.get(user) ?? ''];
    const dataDir = join(directory, 'dev');
    const dev = await RunningDev.start({ dataDir, flags: ['--store', store, ...login] });
    expect(dev.process.stdout).toContain(`  ${store}\n`);
    await dev.callsOf('hello');
    await until('the autoscaler has written down what it found', 60_000, async () => {
      const { items } = await dev.json<{ items: unknown[] }>(`${dev.consoleUrl}/v1/functions`);
      return items.length === 1;
    });
    const { code } = await dev.interrupt();
    expect({ code, stderr: dev.process.stderr }).toEqual({ code: 0, stderr: '' });
    expect(existsSync(join(dataDir, 'starling.db'))).toBe(false);
    const { findings } = await doctor({ keyspace: 'developed' });
    expect(findings.find(({ what }) => what === 'active versions')?.detail).toMatch(/\b1\b/);
  });

  it('ends evaluate and explain with 2 if the tables are missing', async () => {
    const [evaluated, explained] = await Promise.all([
      run('evaluate', { keyspace: 'bare', more: ['v'] }),
      run('explain', { keyspace: 'bare', more: ['v'] }),
    ]);
    for (const ended of [evaluated, explained])
      expect(ended).toMatchObject({ code: 2, stdout: '', stderr: expect.stringMatching(/starling migrate/) });
  });
});

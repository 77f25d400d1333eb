import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ControlPlaneDouble } from '../../support/control-plane/control-plane-double.ts';
import { LiveFleet } from '../../support/live-fleet.ts';
import { MemberProcess, until } from '../../support/member-process.ts';
import { type Ended, starling } from '../../support/run-starling.ts';
import { RemoteWriter } from '../../support/timeseries/remote-write.ts';
import { startTimeseriesServer, type TimeseriesServer } from '../../support/timeseries/timeseries-server.ts';
import { leftOutWithout } from '../autoscale/left-out.ts';

const BUSY = 'busy "version"\nof 名前 {=~.*}';
const IDLE = 'calm-version';

interface Finding {
  readonly area: string;
  readonly what: string;
  readonly state: string;
  readonly detail: string;
  readonly mend: string;
}

describe.skipIf(await leftOutWithout('prometheus'))('commands next to a replica, on a real Prometheus', () => {
  let directory: string;
  let timeseries: TimeseriesServer;
  let controlPlane: ControlPlaneDouble;
  let fleet: LiveFleet;
  let replica: MemberProcess;
  let places: string[];

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'starling-live-'));
    timeseries = await startTimeseriesServer('prometheus');
    controlPlane = new ControlPlaneDouble();
    await controlPlane.start();
    const countOf = (id: string) =>
      controlPlane.fleet.history.findLast(({ versionId, outcome }) => versionId === id && outcome === 'applied')
        ?.wanted;
    fleet = new LiveFleet({ url: timeseries.url, everyMs: 1000, countOf });
    for (const [versionId, load] of [
      [BUSY, 7.6],
      [IDLE, 2],
    ] as const) {
      const { functionId } = fleet.add({ versionId, load, callsPerSecond: 1 });
      controlPlane.fleet.put({ versionId, functionId, minInstances: 1, maxInstances: 20, maxRequestConcurrency: 4 });
    }
    fleet.start();
    places = [
      ...['--store', `sqlite:${join(directory, 'store.sqlite')}`, '--timeseries', timeseries.url],
      ...['--control-plane', controlPlane.url, '--timeseries-scrape-interval', '1s', '--timeseries-settle', '0s'],
      ...['--scaling-interval', '1s', '--timeseries-timeout', '1s', '--scaling-utilisation-window', '5s'],
      ...['--discovery-interval', '1s', '--scaling-catalogue-refresh', '1s', '--policy-kind', 'steps'],
    ];
    const listeners = ['--http-admin', '127.0.0.1:0', '--http-health', '127.0.0.1:0', '--http-metrics', '127.0.0.1:0'];
    replica = new MemberProcess(['autoscale', ...places, ...listeners, '--log-format', 'json']);
    await replica.event('service.started');
    await until('the busy version was raised', 60_000, () => (countOf(BUSY) ?? 0) > 1);
  }, 120_000);

  afterAll(async () => {
    await replica?.stop();
    await fleet?.stop();
    await controlPlane?.stop();
    await timeseries?.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  function run(command: string, ...more: string[]): Promise<Ended> {
    return starling([command, ...places, ...more]);
  }

  it('doctor finds no problem, and writes no wish', async () => {
    const { code, stdout, stderr } = await run('doctor', '-o', 'json');
    const { findings } = JSON.parse(stdout) as { findings: Finding[] };
    expect(findings.filter(({ state, area }) => state !== 'good' && area !== 'configuration')).toEqual([]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const about = (what: string) => findings.find((finding) => finding.what === what)?.detail;
    expect(about('members')).toMatch(/^1 /);
    expect(about('discovery duty')).toMatch(/^held by /);
    expect(about('active versions')).toBe('2');
    expect(about('worker-threads: utilisation')).toBe('2 versions');
    expect(about('llm-gateway')).toContain('not in use');
    expect(about('discovery')).toBe('2 function versions');
  });

  it('evaluate decides from the real samples, and writes nothing', async () => {
    const before = controlPlane.fleet.history.length;
    const [json, told] = await Promise.all([run('evaluate', IDLE, '-o', 'json'), run('evaluate', BUSY)]);
    expect(json).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(json.stdout)).toMatchObject({
      versionId: IDLE,
      verdict: expect.stringMatching(/^(keep|raise|lower)$/),
      actual: 1,
      signals: {
        profile: 'worker-threads',
        instances: { quality: 'fresh', value: 1 },
        utilisation: {
          quality: 'fresh',
          samples: expect.arrayContaining([{ at: expect.any(String), value: expect.any(Number) }]),
        },
      },
      complaints: [],
    });
    expect(told).toMatchObject({ code: 0, stderr: '' });
    expect(told.stdout).toMatch(/^busy "version"\\u000aof 名前 \{=~\.\*\}: (keep|raise|lower) /);
    expect(told.stdout).toMatch(/Utilisation of \d/);
    // What is raised or lowered without anything in the way has no other why.
    const kept = await until('one is kept', 60_000, async () => {
      const { stdout } = await run('evaluate', IDLE);
      return stdout.includes(': keep ') && stdout;
    });
    expect(kept).toMatch(/why not otherwise\n/);
    // Whatever was written meanwhile, the replica wrote.
    const wishes = controlPlane.seen.filter(({ method }) => method === 'PUT').length;
    expect(wishes).toBe(controlPlane.fleet.history.length);
    expect(controlPlane.fleet.history.length).toBeGreaterThanOrEqual(before);
  });

  it('explain shows what the replica did', async () => {
    const { code, stdout } = await run('explain', BUSY, '-o', 'json', '--limit', '100');
    expect(code).toBe(0);
    const { decisions } = JSON.parse(stdout) as { decisions: { verdict: string; outcome: string; token: string }[] };
    const [first] = controlPlane.fleet.history.filter(({ versionId }) => versionId === BUSY);
    expect(decisions.find(({ token }) => token === first?.token)).toMatchObject({
      verdict: 'raise',
      outcome: 'applied',
    });
    expect((await run('explain', BUSY)).stdout).toMatch(/raise 1 -> \d+ \(running: 1\), applied under token \d+/);
  });

  it('doctor shows series that exist under another label', async () => {
    const empty = await startTimeseriesServer('prometheus');
    try {
      const labels = { __name__: 'nvcf_worker_service_worker_thread_count_total', version: 'v-1', instance: 'i' };
      await new RemoteWriter(empty.url).write([{ labels, timesMs: [Date.now()], values: [4] }]);
      const { code, stdout } = await run('doctor', '--only', 'timeseries', '-o', 'json', '--timeseries', empty.url);
      const { findings } = JSON.parse(stdout) as { findings: Finding[] };
      expect(findings.find(({ what }) => what === labels.__name__)).toMatchObject({
        state: 'doubtful',
        detail: expect.stringMatching(/^1 series .*version="v-1"/),
        mend: expect.stringContaining('by the label function_version_id, which they do not carry'),
      });
      expect(code).toBe(0);
    } finally {
      await empty.stop();
    }
  });

  it('end with 4 when the store is down', async () => {
    const dead = await startTimeseriesServer('prometheus');
    await dead.stop();
    expect(await run('evaluate', IDLE, '--timeseries', dead.url)).toMatchObject({ code: 4, stdout: '' });
  });

  it('name the file and line of a query that the store refuses, and quote the store', async () => {
    writeFileSync(join(directory, 'slip.yaml'), SLIP);
    const slip = ['--timeseries-profiles-dir', directory, '--timeseries-profiles', 'slip'];
    const [doctor, evaluated] = await Promise.all([
      run('doctor', '--only', 'timeseries', '-o', 'json', ...slip),
      run('evaluate', IDLE, ...slip),
    ]);
    const { findings } = JSON.parse(doctor.stdout) as { findings: Finding[] };
    expect(doctor.code).toBe(3);
    expect(findings.find(({ what }) => what === 'slip: utilisation')).toMatchObject({
      state: 'bad',
      detail: expect.stringMatching(/slip\.yaml:9.*parse error/),
      mend: expect.stringContaining('mend the query'),
    });
    expect(evaluated.code).toBe(0);
    expect(evaluated.stdout).toMatch(/\nthe time-series store: .*slip\.yaml:9.*parse error/);
  });
});

/** The query stands in line 9. */
const SLIP = `name: slip
description: A profile with a slip in its query.
identity: { versionId: function_version_id, functionId: function_id, account: nca_id }
scrapeIntervalSeconds: 1
rateScrapes: 5
freshSeconds: 60
queries:
  busy:
    promql: summ by ({{by}}) (last_over_time(nvcf_worker_service_worker_thread_count_total{{{match}}}[{{fresh}}]))
    metrics: [nvcf_worker_service_worker_thread_count_total]
signals:
  utilisation: busy
discovery: {}
`;

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseProfile } from '../../../src/adapters/prometheus/parse-profile.ts';
import {
  PrometheusSignalReader,
  type PrometheusSignalReaderOptions,
} from '../../../src/adapters/prometheus/prometheus-signal-reader.ts';
import { StoreClient } from '../../../src/adapters/prometheus/store-client.ts';
import type { Part } from '../../../src/domain/part.ts';
import type { Clock } from '../../../src/lib/clock.ts';
import type { Column, ProfileReading } from '../../../src/ports/signal-reader.ts';
import { HandWoundClock } from '../../support/hand-wound-clock.ts';
import {
  type ScriptedAnswer,
  type ScriptedSeries,
  ScriptedStore,
  type SeenRequest,
  vector,
} from '../../support/timeseries/scripted-store.ts';

/** Two profiles that count calls with the same query, and each their own way of telling load. */
const profileText = (name: string, load: string) => `
name: ${name}
description: For tests.
identity: { versionId: v, functionId: f, account: a }
scrapeIntervalSeconds: 15
rateScrapes: 5
freshSeconds: 60
queries:
  load: { metrics: [${load}], promql: 'sum by ({{by}}) (rate(${load}{ {{match}} }[{{rate}}]))' }
  instances: { metrics: [${load}], promql: 'count by ({{by}}) (${load}{ {{match}} })' }
  calls: { metrics: [calls_total], promql: 'sum by ({{by}}) (calls_total{ {{match}} })' }
  lately: { metrics: [calls_total], promql: 'sum by ({{by}}) (increase(calls_total{ {{match}} }[{{idle}}])) > 0' }
  knownInstances: { metrics: [${load}], promql: 'group by ({{identity}}) (${load}{ {{match}} })' }
  knownCalls: { metrics: [calls_total], promql: 'sum by ({{identity}}) (calls_total{ {{match}} })' }
signals:
  utilisation: { percent: { of: load, over: instances } }
  demand: load
  instances: instances
  invocation: calls
discovery: { instances: knownInstances, calls: knownCalls }
recentCalls: lately
`;
const profiles = [
  parseProfile(profileText('first', 'busy_total'), 'first.yaml'),
  parseProfile(profileText('second', 'latency_sum'), 'second.yaml'),
];

const everything: Part = { name: 'all', buckets: undefined, prefixes: undefined };
const id = (letter: string) => `${letter.repeat(8)}-0000-4000-8000-000000000000`;

describe('PrometheusSignalReader', () => {
  let store: ScriptedStore;
  let client: StoreClient;
  let wound: HandWoundClock;
  let clock: Clock;
  /** Metric names that exist, and what each query text answers; others answer with nothing. */
  let present: string[];
  let answers: Map<string, readonly ScriptedSeries[] | ScriptedAnswer>;

  beforeEach(async () => {
    store = new ScriptedStore();
    await store.start();
    wound = new HandWoundClock(1_700_000_000_400);
    // Deadlines of requests are not what is tried here: real sockets, wound time.
    clock = { monotonicMs: () => wound.monotonicMs(), wallMs: () => wound.wallMs(), after: () => () => {} };
    present = ['busy_total', 'calls_total'];
    answers = new Map();
    store.answer = (request) => {
      const query = queryOf(request);
      const atSeconds = Number(request.form.get('end') ?? request.form.get('time'));
      if (query.startsWith('label_replace(')) {
        const asked = present.filter((metric) => query.includes(metric));
        return vector(
          asked.map((metric) => [{ metric }, '1']),
          { atSeconds },
        );
      }
      const answer = answers.get(query) ?? [];
      return Array.isArray(answer) ? vector(answer as ScriptedSeries[], { atSeconds }) : (answer as ScriptedAnswer);
    };
    client = new StoreClient({ url: store.url, clock, random: { next: () => 0, uuid: () => '' }, retries: 0 });
  });

  afterEach(async () => {
    client.close();
    await store.stop();
  });

  const queryOf = (request: SeenRequest) => (request.form.get('query') ?? '').replaceAll('{  }', '');
  const asked = () => store.requests.splice(0).map(queryOf);
  const open = (options: Partial<PrometheusSignalReaderOptions> = {}) =>
    new PrometheusSignalReader({ client, profiles, clock, ...options });
  const BUSY = 'sum by (v) (rate(busy_total[75s]))';
  const COUNT = 'count by (v) (busy_total)';
  const CALLS = 'sum by (v) (calls_total)';
  const values = (column: Column | undefined) =>
    Object.fromEntries((column?.versionIds ?? []).map((versionId, index) => [versionId, column?.values[index]]));

  function load(rows: Readonly<Record<string, readonly [busy: string, instances: string]>>): void {
    answers.set(
      BUSY,
      Object.entries(rows).map(([v, [busy]]) => [{ v }, busy]),
    );
    answers.set(
      COUNT,
      Object.entries(rows).map(([v, [, count]]) => [{ v }, count]),
    );
  }

  it('reads every signal of a part at one moment, and a query that profiles share once', async () => {
    load({ [id('a')]: ['1', '4'], [id('b')]: ['0', '2'] });
    answers.set(CALLS, [[{ v: id('a') }, '7']]);
    const [first, second] = (await open().read(everything, {})) as [ProfileReading, ProfileReading];
    expect(first).toMatchObject({ profile: 'first', atMs: 1_699_999_998_000 });
    expect(values(first.utilisation)).toEqual({ [id('a')]: 25, [id('b')]: 0 });
    expect(values(first.demand)).toEqual({ [id('a')]: 1, [id('b')]: 0 });
    expect(values(first.instances)).toEqual({ [id('a')]: 4, [id('b')]: 2 });
    expect(values(first.invocation)).toEqual({ [id('a')]: 7 });
    expect(values(second.invocation)).toEqual({ [id('a')]: 7 });
    const [presence, ...queries] = asked();
    expect(presence).toMatch(/^label_replace\(group by \(__name__\)/);
    // Nothing of the second profile's load exists, so nothing is asked of it.
    expect(queries.sort()).toEqual([COUNT, CALLS, BUSY].sort());
    expect(second.utilisation).toMatchObject({ state: 'read', isPresent: false, versionIds: [] });
    expect(second.utilisation?.detail).toBe('no latency_sum in the store');
  });

  it('looks for absent metrics once a minute, and finds them when they come', async () => {
    const reader = open();
    load({ [id('a')]: ['1', '1'] });
    answers.set(CALLS, [[{ v: id('a') }, '7']]);
    for (let cycle = 0; cycle < 8; cycle += 1) {
      await reader.read(everything, {});
      await wound.wind(15_000);
    }
    expect(asked().filter((query) => query.startsWith('label_replace('))).toHaveLength(2);
    present.push('latency_sum');
    answers.set('count by (v) (latency_sum)', [[{ v: id('c') }, '3']]);
    await wound.wind(60_000);
    const [, second] = await reader.read(everything, {});
    expect(values(second?.instances)).toEqual({ [id('c')]: 3 });
  });

  it("reads the load only of the profiles that are wanted, but everybody's calls", async () => {
    present.push('latency_sum');
    const readings = await open().read(everything, { profiles: new Set(['second']) });
    expect(readings.map(({ utilisation, invocation }) => [utilisation?.state, invocation?.state])).toEqual([
      [undefined, 'read'],
      ['read', 'read'],
    ]);
    expect(asked().some((query) => query.includes('busy_total') && !query.startsWith('label_replace('))).toBe(false);
  });

  it('tells a part that is empty from a scrape that is gone', async () => {
    const reader = open();
    load({ [id('a')]: ['1', '1'] });
    expect((await reader.read(everything, {}))[0]?.instances).toMatchObject({ isPresent: true });
    answers.clear();
    // Somebody else's versions were seen a moment ago, or are there on a second look.
    await wound.wind(15_000);
    expect((await reader.read(everything, {}))[0]?.instances).toMatchObject({ isPresent: true, versionIds: [] });
    present = [];
    await wound.wind(15_000);
    expect((await reader.read(everything, {}))[0]?.instances).toMatchObject({ isPresent: false, versionIds: [] });
    // The scrape comes back: it is seen with the very next cycle.
    present = ['busy_total'];
    load({ [id('a')]: ['1', '1'] });
    await wound.wind(15_000);
    expect((await reader.read(everything, {}))[0]?.instances).toMatchObject({ isPresent: true, versionIds: [id('a')] });
  });

  it('does not claim to know what exists when the store does not say', async () => {
    store.answer = (request) =>
      queryOf(request).startsWith('label_replace(') ? { status: 500, body: '' } : vector([], { atSeconds: 0 });
    expect((await open().read(everything, {}))[0]?.instances).toMatchObject({ state: 'read', isPresent: undefined });
  });

  it('makes failures, partial answers and refusals states, and names the line of a refused query', async () => {
    load({ [id('a')]: ['1', '1'] });
    answers.set(COUNT, {
      status: 422,
      body: JSON.stringify({ status: 'error', errorType: 'execution', error: 'too many series' }),
    });
    answers.set(CALLS, vector([[{ v: id('a') }, '7']], { warnings: ['one store is away'] }));
    const [first] = await open().read(everything, {});
    expect(first?.instances).toMatchObject({
      state: 'failed',
      isPresent: undefined,
      detail: 'first.yaml:10: query "instances" of the profile first: the store refused the query: too many series',
    });
    expect(first?.utilisation?.state).toBe('failed');
    expect(first?.demand?.state).toBe('read');
    expect(first?.invocation).toMatchObject({ state: 'partial', detail: 'one store is away', versionIds: [id('a')] });
  });

  describe('plans', () => {
    const share = {
      buckets: Array.from({ length: 1024 }, (_, bucket) => bucket),
      versions: 100_000,
      bucketCount: 1024,
    };

    it('so many parts that a cycle stays within its requests, however many profiles are alive', async () => {
      load({ [id('a')]: ['1', '1'] });
      const one = open();
      await one.read(everything, {});
      expect(one.plan(share)).toHaveLength(7); // 3 queries each, 21 of 24
      present.push('latency_sum');
      const two = open();
      await two.read(everything, {});
      expect(two.plan(share)).toHaveLength(4); // 5 queries each
      expect(open({ requestsPerCycleMax: 8 }).plan(share)).toHaveLength(1);
    });

    it('for what the store shows while the caller knows of little', async () => {
      const reader = open({ partVersionsMax: 10 });
      expect(reader.plan({ ...share, versions: 0 }).length).toBeGreaterThan(1);
      load(Object.fromEntries(Array.from({ length: 25 }, (_, index) => [`0000000${index % 10}-${index}`, ['1', '1']])));
      await reader.read(everything, {});
      expect(reader.plan({ ...share, versions: 2 })).toHaveLength(3);
      // Half of the buckets, and half of what there is: it is told already.
      const half = { ...share, buckets: share.buckets.slice(0, 512) };
      expect(reader.plan({ ...half, versions: 10 })).toHaveLength(2);
      // It knows best of a fleet that shrinks.
      load({ [id('a')]: ['1', '1'] });
      await reader.read(everything, {});
      expect(reader.plan({ ...share, versions: 2 })).toHaveLength(1);
    });

    it('by bucket where a label carries it, by id while ids are hex, else not at all', async () => {
      expect(open({ bucketLabel: 'bucket' }).plan(share)[0]?.buckets?.slice(0, 2)).toEqual([0, 1]);
      const reader = open();
      expect(reader.plan(share)[0]?.prefixes?.[0]).toBe('0');
      load({ 'my-function-1': ['1', '1'], 'my-function-2': ['1', '1'] });
      await reader.read(everything, {});
      expect(reader.plan(share)).toEqual([everything]);
    });
  });

  describe('discovers', () => {
    const known = (letter: string, extra: Record<string, string> = {}) => ({
      v: id(letter),
      f: `f-${letter}`,
      a: 'acc',
      ...extra,
    });
    const INSTANCES = 'group by (v,f,a) (busy_total)';
    const COUNTERS = 'sum by (v,f,a) (calls_total)';
    const LATELY = 'sum by (v) (increase(calls_total[300s])) > 0';
    const idsOf = (discovered: { versions: readonly { versionId: string }[] }) =>
      discovered.versions.map(({ versionId }) => versionId).sort();

    it('versions with instances, and versions that are called and have none', async () => {
      answers.set(INSTANCES, [[known('a'), '1']]);
      answers.set(COUNTERS, [
        [known('b'), '5'],
        [known('c'), '5'],
      ]);
      answers.set(LATELY, [[{ v: id('c') }, '2']]);
      const reader = open();
      const first = await reader.discover(everything, {});
      expect(first.state).toBe('read');
      expect(first.versions).toEqual([
        { versionId: id('a'), functionId: 'f-a', account: 'acc', bucket: undefined, profiles: ['first'] },
        { versionId: id('c'), functionId: 'f-c', account: 'acc', bucket: undefined, profiles: [] },
      ]);
      // From then on counters are compared with what they were.
      expect(idsOf(await reader.discover(everything, {}))).toEqual([id('a')]);
      answers.set(COUNTERS, [
        [known('b'), '6'],
        [known('c'), '5'],
        [known('d'), '1'],
        [known('e'), '0'],
      ]);
      expect(idsOf(await reader.discover(everything, {}))).toEqual([id('a'), id('b'), id('d')]);
      expect(idsOf(await reader.discover(everything, {}))).toEqual([id('a')]);
      expect(asked().filter((query) => query === LATELY)).toHaveLength(1);
    });

    it('nothing where a query failed: that is unknown, not empty', async () => {
      answers.set(INSTANCES, [[known('a'), '1']]);
      answers.set(COUNTERS, { status: 500, body: 'broken' });
      const reader = open();
      expect(await reader.discover(everything, {})).toMatchObject({ state: 'failed', versions: [] });
      answers.set(COUNTERS, [[known('b'), '5']]);
      answers.set(LATELY, [[{ v: id('b') }, '1']]);
      // The first look that succeeds still asks who was called lately.
      expect(idsOf(await reader.discover(everything, {}))).toEqual([id('a'), id('b')]);
    });

    it('that something is missing, and still what is there', async () => {
      answers.set(INSTANCES, vector([[known('a'), '1']], { isPartial: true }));
      expect(await open().discover(everything, {})).toMatchObject({
        state: 'partial',
        versions: [{ versionId: id('a') }],
      });
    });

    it('buckets from their label, and says of versions without one that nobody could read them', async () => {
      const withBucket = 'group by (v,f,a,bucket) (busy_total)';
      answers.set(withBucket, [
        [known('a', { bucket: '7' }), '1'],
        [known('b'), '1'],
        [known('c', { bucket: '1024' }), '1'],
        [known('d', { bucket: '7', f: '' }), '1'],
      ]);
      const discovered = await open({ bucketLabel: 'bucket' }).discover(everything, {});
      expect(discovered.versions).toMatchObject([{ versionId: id('a'), bucket: 7 }]);
      expect(discovered.detail).toBe(
        '1 versions have no function id in their labels; 2 versions have no bucket from 0 to 1023: does every scrape add it with modulus 1024?',
      );
    });
  });

  describe('reads the past', () => {
    const options = { lookBackMs: 120_000, stepMs: 60_000, idleMs: 1_800_000, gapMs: 90_000 };
    const range = (
      series: readonly (readonly [Record<string, string>, readonly (readonly [number, string])[]])[],
    ): ScriptedAnswer => ({
      body: JSON.stringify({
        status: 'success',
        data: { resultType: 'matrix', result: series.map(([metric, samples]) => ({ metric, values: samples })) },
      }),
    });
    const LATELY = 'sum by (v) (increase(calls_total[1800s])) > 0';
    const IN_GAP = 'sum by (v) (increase(calls_total[90s])) > 0';

    it('on the grid, made of the same queries as the present', async () => {
      const t = 1_699_999_998;
      answers.set(
        BUSY,
        range([
          [
            { v: id('a') },
            [
              [t - 120, '1'],
              [t - 60, '2'],
              [t, 'NaN'],
            ],
          ],
        ]),
      );
      answers.set(
        COUNT,
        range([
          [
            { v: id('a') },
            [
              [t - 60, '4'],
              [t, '4'],
            ],
          ],
        ]),
      );
      answers.set(LATELY, [[{ v: id('a') }, '1']]);
      answers.set(IN_GAP, [[{ v: id('b') }, '1']]);
      const [first, second] = await open().backfill(everything, options);
      expect(first).toMatchObject({
        profile: 'first',
        state: 'read',
        invoked: new Set([id('a')]),
        invokedInGap: new Set([id('b')]),
      });
      expect([...(first?.utilisation.get(id('a')) ?? [])]).toEqual([[(t - 60) * 1000, 50]]);
      expect([...(first?.demand.get(id('a')) ?? [])]).toEqual([
        [(t - 120) * 1000, 1],
        [(t - 60) * 1000, 2],
      ]);
      expect(second).toMatchObject({ state: 'read', invoked: new Set([id('a')]) });
      const past = store.requests.find((request) => queryOf(request) === BUSY);
      expect([past?.form.get('start'), past?.form.get('end'), past?.form.get('step')]).toEqual([
        `${t - 120}`,
        `${t}`,
        '60',
      ]);
    });

    it('and does not take silence for proof where calls are not counted, or could not be read', async () => {
      answers.set(LATELY, { status: 500, body: '' });
      expect((await open().backfill(everything, options))[0]).toMatchObject({ state: 'failed', invoked: undefined });
      present = ['busy_total'];
      expect((await open().backfill(everything, options)).map(({ invoked }) => invoked)).toEqual([
        undefined,
        undefined,
      ]);
    });
  });

  describe('probes', () => {
    const probe = (answer: Record<string, ScriptedAnswer>) => {
      store.answer = (request) => answer[request.path] ?? vector([], { atSeconds: 0 });
      return open().probe({});
    };
    const time = (value: string) => ({
      body: JSON.stringify({ status: 'success', data: { resultType: 'scalar', result: [0, value] } }),
    });

    it('the clock and the product', async () => {
      const goVersion = {
        body: JSON.stringify({ status: 'success', data: { version: '2.42.0', goVersion: 'go1.19' } }),
      };
      expect(await probe({ '/api/v1/query': time('1700000000.000'), '/api/v1/status/buildinfo': goVersion })).toEqual({
        skewMs: -100, // whole seconds were cut off, by half a second on average
        flavour: 'prometheus',
      });
      const vm = { headers: { 'x-server-hostname': 'vm' }, body: '{"status":"success","data":{}}' };
      expect(await probe({ '/api/v1/query': time('1699996400.4'), '/api/v1/status/buildinfo': vm })).toEqual({
        skewMs: 3_600_000,
        flavour: 'victoriametrics',
      });
      expect(
        await probe({
          '/api/v1/query': time('1700000000.4'),
          '/api/v1/status/buildinfo': { status: 404, body: '404 page' },
        }),
      ).toEqual({
        skewMs: 0,
        flavour: 'unknown',
      });
    });

    it('and rejects when there is no store', async () => {
      await expect(probe({ '/api/v1/query': { body: '<html>' } })).rejects.toMatchObject({ kind: 'not-prometheus' });
      await expect(probe({ '/api/v1/query': { body: '{"status":"success","data":{}}' } })).rejects.toMatchObject({
        kind: 'not-prometheus',
      });
    });
  });
});

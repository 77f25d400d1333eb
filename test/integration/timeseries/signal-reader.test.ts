import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseProfile } from '../../../src/adapters/prometheus/parse-profile.ts';
import { matcher } from '../../../src/adapters/prometheus/promql-text.ts';
import { listSeries } from '../../../src/adapters/prometheus/series-listing.ts';
import { systemClock } from '../../../src/adapters/system/clock.ts';
import { hashmod } from '../../support/timeseries/fleet.ts';
import { STALE_MARKER, type WrittenSeries } from '../../support/timeseries/remote-write.ts';
import { STORE_KINDS } from '../../support/timeseries/timeseries-server.ts';
import { AStore, availability, counter, EVERYTHING, identity, STEP_MS, samples, valuesOf, worker } from './a-store.ts';

const uuid = (index: number) => `${index.toString(16).repeat(8).slice(0, 8)}-0000-4000-8000-000000000000`;
const ODD_IDS = [
  'a "quoted" one',
  'back\\slash',
  'two\nlines',
  '7 starts like hex\nand goes on',
  'tab\tand\u0001control',
  'été 🐦 鳥',
  '.*',
  'a|b',
  '{{by}}',
  '"} or vector(1) #',
  'x'.repeat(255),
  '鳥'.repeat(255),
];

for (const kind of [...STORE_KINDS, 'embedded'] as const) {
  const found = availability[kind];
  const title = found.available ? `on ${kind} ${found.version}` : `on ${kind} (${found.why})`;

  describe.skipIf(!found.available)(`the signal reader ${title}`, () => {
    let store: AStore;
    let now: number;

    beforeAll(async () => {
      store = await AStore.start(kind);
      now = store.startMs;
    });
    afterAll(() => store?.stop());

    it('reads load, instances and calls of many versions', async () => {
      const labels = { environment: 'basic', aws_env: 'basic-requests' };
      await store.write([
        ...worker('a', 'basic', { endMs: now, instance: '1', threads: 4, busy: 3 }),
        ...worker('a', 'basic', { endMs: now, instance: '2', threads: 4, busy: 1 }),
        ...worker('a', 'basic', { endMs: now, instance: '3', threads: 8, busy: 0 }),
        ...worker('idle', 'basic', { endMs: now }),
        ...worker('no threads', 'basic', { endMs: now, threads: 0, busy: 2 }),
        ...worker('elsewhere', 'other', { endMs: now }),
        counter('function_request', { ...identity('a'), aws_env: 'basic-requests' }, { endMs: now, value: () => 40 }),
        counter(
          'function_request_total',
          { ...identity('a'), aws_env: 'basic-requests' },
          { endMs: now, value: () => 2 },
        ),
        counter('function_request_total', { ...identity('a'), aws_env: 'other' }, { endMs: now, value: () => 900 }),
      ]);
      const [reading] = await (await store.reader({ labels })).read(EVERYTHING, {});
      expect(reading).toMatchObject({ atMs: now, utilisation: { state: 'read', isPresent: true, rejected: [] } });
      expect(valuesOf(reading?.instances)).toEqual({ a: 3, idle: 1, 'no threads': 1 });
      expect(valuesOf(reading?.demand)).toEqual({ a: expect.closeTo(4), idle: 0, 'no threads': expect.closeTo(2) });
      expect(valuesOf(reading?.utilisation)).toEqual({
        a: expect.closeTo(25),
        idle: 0,
        'no threads': Number.POSITIVE_INFINITY,
      });
      // Both request metrics, of this environment, with the very same labels.
      expect(valuesOf(reading?.invocation)).toEqual({ a: 42 });
    });

    it('reads the right rate whatever the phase of the scrape', async () => {
      const phases = [0, 1, 2, 3, 4, 5, 6, 7].map((phase) => (phase * STEP_MS) / 8);
      await store.write(
        phases.flatMap((ageMs) => worker(`phase ${ageMs}`, 'phases', { endMs: now, ageMs, threads: 1, busy: 1 })),
      );
      const [reading] = await (await store.reader({ labels: { environment: 'phases' } })).read(EVERYTHING, {});
      const rates = Object.values(valuesOf(reading?.demand));
      expect(rates).toHaveLength(8);
      for (const rate of rates) expect(rate).toBeCloseTo(1, 2);
    });

    it('drops a vanished instance within a minute, and its load with the range of the rate', async () => {
      const vanishedMs = now - 60_000;
      await store.write([
        ...worker('dead', 'stale', { endMs: vanishedMs, instance: '1', busy: 1 }),
        ...worker('half', 'stale', { endMs: now, instance: '1', busy: 1 }),
        ...worker('half', 'stale', { endMs: vanishedMs, instance: '2', busy: 1 }),
        ...worker('marked', 'stale', { endMs: vanishedMs, instance: '1' }),
        // The marker that a scraper leaves behind when a target goes; windows do not see it, so it changes nothing.
        ...worker('marked', 'stale', { endMs: vanishedMs + 1_000, spanMs: 0 }).map((series) => ({
          ...series,
          values: [STALE_MARKER],
        })),
      ]);
      const at = async (atMs: number) => {
        const reader = await store.reader({ labels: { environment: 'stale' }, atMs });
        const [reading] = await reader.read(EVERYTHING, {});
        return { instances: valuesOf(reading?.instances), load: Object.keys(valuesOf(reading?.demand)).sort() };
      };
      expect((await at(vanishedMs + 58_000)).instances).toEqual({ dead: 1, half: 2, marked: 1 });
      expect((await at(vanishedMs + 61_000)).instances).toEqual({ half: 1 });
      expect((await at(vanishedMs + 76_000)).load).toEqual(['half']);
    });

    it('sees samples that were scraped a second ago', async () => {
      const writtenMs = Date.now();
      const labels = { ...identity('fresh'), aws_env: 'fresh' };
      const series = {
        labels: { ...labels, __name__: 'function_request_total' },
        timesMs: [writtenMs - 15_000, writtenMs],
        values: [1, 2],
      };
      await store.write([series]);
      const reader = await store.reader({ labels: { aws_env: 'fresh' }, clock: systemClock });
      await expect
        .poll(async () => valuesOf((await reader.read(EVERYTHING, {}))[0]?.invocation)['fresh'], {
          timeout: 3_000,
          interval: 200,
        })
        .toBe(2);
      expect(Date.now() - writtenMs).toBeLessThan(5_000);
    });

    it('treats NaN as absent, keeps infinity and rejects impossible counts', async () => {
      const gauges = (versionId: string, instances: number, concurrency: number): WrittenSeries[] => {
        const labels = { ...identity(versionId), aws_env: 'odd-values' };
        return [
          counter('function_request_latency_sum', labels, { endMs: now, value: (seconds) => seconds * 2 }),
          counter('nvcf_function_instances_current', labels, { endMs: now, value: () => instances }),
          counter('nvcf_function_concurrency', labels, { endMs: now, value: () => concurrency }),
        ];
      };
      await store.write([
        ...gauges('good', 2, 4),
        ...gauges('nan', Number.NaN, 4),
        ...gauges('zero', 0, 4),
        ...gauges('infinite', Number.POSITIVE_INFINITY, 4),
        ...gauges('negative', -1, 4),
      ]);
      const reader = await store.reader({ names: ['control-plane'], labels: { aws_env: 'odd-values' } });
      const [reading] = await reader.read(EVERYTHING, {});
      expect(valuesOf(reading?.utilisation)).toEqual({ good: expect.closeTo(25), zero: Number.POSITIVE_INFINITY });
      expect(valuesOf(reading?.instances)).toEqual({ good: 2, zero: 0 });
      expect(
        Object.fromEntries((reading?.instances?.rejected ?? []).map(({ versionId, why }) => [versionId, why])),
      ).toEqual({
        infinite: 'unreadable',
        negative: 'negative',
      });
    });

    it('says whether the metric exists for other versions, or not at all', async () => {
      await store.write(worker(uuid(1), 'presence', { endMs: now }));
      const quiet = { name: 'quiet', buckets: undefined, prefixes: ['f'] };
      const present = await (await store.reader({ labels: { environment: 'presence' } })).read(quiet, {});
      expect(present[0]?.instances).toMatchObject({ state: 'read', isPresent: true, versionIds: [] });
      const gone = await (await store.reader({ labels: { environment: 'nowhere' } })).read(quiet, {});
      expect(gone[0]?.instances).toMatchObject({ state: 'read', isPresent: false, versionIds: [] });
      expect(gone[0]?.utilisation).toMatchObject({ isPresent: false });
    });

    it('rejects several series of one version as ambiguous, for a profile that does not add them up', async () => {
      const forgetful = parseProfile(
        `
name: forgetful
description: Groups by more than the version.
identity: { versionId: function_version_id, functionId: function_id, account: nca_id }
scrapeIntervalSeconds: 15
rateScrapes: 5
freshSeconds: 60
queries:
  count: { metrics: [nvcf_worker_service_worker_thread_count_total], promql: 'sum by ({{by}}, instance) (nvcf_worker_service_worker_thread_count_total{ {{match}} })' }
signals: { instances: count }
discovery: {}
`,
        'forgetful.yaml',
      );
      await store.write([
        ...worker('one', 'ambiguous', { endMs: now, instance: '1' }),
        ...worker('two', 'ambiguous', { endMs: now, instance: '1' }),
        ...worker('two', 'ambiguous', { endMs: now, instance: '2' }),
      ]);
      const reader = await store.reader({ profiles: [forgetful], labels: { environment: 'ambiguous' } });
      const [reading] = await reader.read(EVERYTHING, {});
      expect(valuesOf(reading?.instances)).toEqual({ one: 4 });
      expect(reading?.instances?.rejected).toEqual([{ versionId: 'two', why: 'ambiguous' }]);
    });

    it('passes on any id unchanged', async () => {
      await store.write(
        ODD_IDS.flatMap((versionId) => [
          ...worker(versionId, 'odd "ids"\n', { endMs: now, busy: 2 }),
          counter(
            'function_request',
            { ...identity(versionId), aws_env: 'odd "ids"\n' },
            { endMs: now, value: () => 1 },
          ),
        ]),
      );
      const labels = { environment: 'odd "ids"\n', aws_env: 'odd "ids"\n' };
      const reader = await store.reader({ labels });
      const [reading] = await reader.read(EVERYTHING, {});
      const expected = [...ODD_IDS].sort();
      expect(reading?.instances?.versionIds.toSorted()).toEqual(expected);
      expect(reading?.invocation?.versionIds.toSorted()).toEqual(expected);
      expect(new Set(Object.values(valuesOf(reading?.utilisation)).map((value) => Math.round(value ?? 0)))).toEqual(
        new Set([50]),
      );
      const discovered = await reader.discover(EVERYTHING, {});
      expect(discovered.versions.map(({ versionId }) => versionId).sort()).toEqual(expected);
      for (const { versionId, functionId } of discovered.versions) expect(functionId).toBe(`function of ${versionId}`);
      const past = await reader.backfill(EVERYTHING, {
        lookBackMs: 120_000,
        stepMs: 60_000,
        idleMs: 600_000,
        gapMs: 90_000,
      });
      for (const id of expected) expect([...(past[0]?.utilisation.get(id) ?? [])], id).not.toEqual([]);
      // Cut by the first letter, every id is still in exactly one part.
      const parts = (await store.reader({ labels, partVersionsMax: 3 })).plan({
        buckets: Array.from({ length: 1024 }, (_, bucket) => bucket),
        versions: ODD_IDS.length,
        bucketCount: 1024,
      });
      expect(parts.length).toBeGreaterThan(2);
      const seen: string[] = [];
      for (const part of parts) seen.push(...((await reader.read(part, {}))[0]?.instances?.versionIds ?? []));
      expect(seen.sort()).toEqual(expected);
    });

    it('finds exactly the series of an id, whatever characters it has', async () => {
      const ids = fc.sample(fc.string({ unit: 'binary', minLength: 1, maxLength: 60 }), 150);
      const written = [...new Set(ids.map((id) => id.toWellFormed()))];
      await store.write(written.map((id) => ({ labels: { __name__: 'odd_id', id }, timesMs: [now], values: [1] })));
      const client = store.client();
      for (const id of written) {
        const promql = `count({${matcher('__name__', '=', 'odd_id')},${matcher('id', '=', id)}})`;
        const { series } = await client.queryAt({ name: 'test', promql, atSeconds: now / 1000 });
        expect([JSON.stringify(id), [...series][0]?.samples[0]?.[1]]).toEqual([JSON.stringify(id), '1']);
      }
    });

    it('reads by bucket label, and only its buckets', async () => {
      const ids = Array.from({ length: 40 }, (_, index) => uuid(index) + index);
      await store.write(
        ids.flatMap((versionId) =>
          worker(versionId, 'buckets', { endMs: now }).map((series) => ({
            ...series,
            labels: { ...series.labels, bucket: String(hashmod(versionId, 1024)) },
          })),
        ),
      );
      const reader = await store.reader({
        labels: { environment: 'buckets' },
        bucketLabel: 'bucket',
        partVersionsMax: 10,
      });
      const discovered = await reader.discover(EVERYTHING, {});
      expect(discovered.versions.map(({ versionId, bucket }) => [versionId, bucket]).sort()).toEqual(
        ids.map((versionId) => [versionId, hashmod(versionId, 1024)]).sort(),
      );
      const mine = Array.from({ length: 512 }, (_, index) => index * 2);
      const parts = reader.plan({ buckets: mine, versions: 20, bucketCount: 1024 });
      expect(parts).toHaveLength(2);
      const seen: string[] = [];
      for (const part of parts) seen.push(...((await reader.read(part, {}))[0]?.instances?.versionIds ?? []));
      expect(seen.sort()).toEqual(ids.filter((versionId) => hashmod(versionId, 1024) % 2 === 0).sort());
    });

    it('quotes the error of the store for a bad query, with the line of the profile', async () => {
      const text = `
name: broken
description: Lacks a bracket.
identity: { versionId: function_version_id, functionId: function_id, account: nca_id }
scrapeIntervalSeconds: 15
rateScrapes: 5
freshSeconds: 60
queries:
  load:
    metrics: [nvcf_worker_service_worker_thread_count_total]
    promql: sum by ({{by}} (nvcf_worker_service_worker_thread_count_total{ {{match}} })
signals: { demand: load }
discovery: {}
`;
      await store.write(worker('a', 'broken', { endMs: now }));
      const reader = await store.reader({
        profiles: [parseProfile(text, 'broken.yaml')],
        labels: { environment: 'broken' },
      });
      const [reading] = await reader.read(EVERYTHING, {});
      expect(reading?.demand).toMatchObject({ state: 'failed', versionIds: [] });
      expect(reading?.demand?.detail).toMatch(
        /^broken\.yaml:11: query "load" of the profile broken: the store refused the query: .*(?:parse error|unexpected token|cannot)/,
      );
    });

    it('discovers versions with instances, versions that were called and have none, and new calls', async () => {
      const labels = { environment: 'discovery', aws_env: 'discovery' };
      const calls = (versionId: string, value: (seconds: number) => number, endMs = now, spanMs = 600_000) =>
        counter('function_request_total', { ...identity(versionId), aws_env: 'discovery' }, { endMs, spanMs, value });
      await store.write([
        ...worker('never called', 'discovery', { endMs: now }),
        calls('called, no instances', (seconds) => seconds),
        calls('called long ago', () => 17),
        calls('born a minute ago', () => 5, now, 60_000),
        calls('never', () => 0),
      ]);
      let atMs = now;
      const reader = await store.reader({ labels, clock: { ...systemClock, wallMs: () => atMs } });
      const discover = async () =>
        (await reader.discover(EVERYTHING, {})).versions
          .map(({ versionId, profiles }) => [versionId, ...profiles])
          .sort();
      expect(await discover()).toEqual([
        ['born a minute ago'],
        ['called, no instances'],
        ['never called', 'worker-threads'],
      ]);
      expect(await discover()).toEqual([['never called', 'worker-threads']]);
      atMs = now + STEP_MS;
      await store.write([
        ...worker('never called', 'discovery', { endMs: atMs, spanMs: 0 }),
        calls('called long ago', () => 18, atMs, 0),
        calls('never', () => 0, atMs, 0),
        calls('new', () => 1, atMs, 0),
      ]);
      expect(await discover()).toEqual([['called long ago'], ['never called', 'worker-threads'], ['new']]);
    });

    it('reads the past on the grid, and which versions were called within the idle time', async () => {
      const labels = { environment: 'past', aws_env: 'past' };
      const calls = (versionId: string, value: (seconds: number) => number, spanMs = 2_400_000) =>
        counter('function_request', { ...identity(versionId), aws_env: 'past' }, { endMs: now, spanMs, value });
      await store.write([
        ...worker('a', 'past', { endMs: now, spanMs: 900_000, threads: 4, busy: 1 }),
        ...worker('young', 'past', { endMs: now, spanMs: 120_000, threads: 4, busy: 2 }),
        calls('a', (seconds) => Math.max(0, seconds - 2_000)),
        calls('idle', () => 17),
        calls('born and flat', () => 5, 600_000),
        calls('called before', (seconds) => Math.min(seconds, 300)),
      ]);
      const reader = await store.reader({ labels });
      const [past] = await reader.backfill(EVERYTHING, {
        lookBackMs: 600_000,
        stepMs: 60_000,
        idleMs: 1_800_000,
        gapMs: 90_000,
      });
      expect(past?.state).toBe('read');
      const ofA = [...(past?.utilisation.get('a') ?? [])];
      expect(ofA.map(([atMs]) => (atMs - now) / 60_000)).toEqual([-10, -9, -8, -7, -6, -5, -4, -3, -2, -1, 0]);
      for (const [, value] of ofA) expect(value).toBeCloseTo(25, 0);
      const ofYoung = [...(past?.demand.get('young') ?? [])];
      expect(ofYoung.length).toBeGreaterThanOrEqual(2);
      expect(ofYoung.length).toBeLessThanOrEqual(3);
      expect([...(past?.invoked ?? [])].sort()).toEqual(['a', 'born and flat']);
      expect([...(past?.invokedInGap ?? [])]).toEqual(['a']);
    });

    it('divides the load at an LLM gateway among the versions of a function', async () => {
      const aws_env = 'gateway';
      const gauge = (metric: string, functionId: string, versionId: string, value: number) =>
        counter(
          metric,
          { function_id: functionId, function_version_id: versionId, nca_id: 'account', aws_env },
          { endMs: now, value: () => value },
        );
      const gateway = (functionId: string, slope: number) => [
        counter(
          'llm_api_gateway_http_request_duration_seconds_sum',
          { function_id: functionId, aws_env },
          { endMs: now, value: (seconds) => seconds * slope },
        ),
        counter(
          'llm_api_gateway_http_requests_total',
          { function_id: functionId, aws_env },
          { endMs: now, value: (seconds) => seconds },
        ),
      ];
      const version = (functionId: string, versionId: string, instances: number, concurrency: number) => [
        gauge('nvcf_function_info', functionId, versionId, 1),
        gauge('nvcf_function_instances_current', functionId, versionId, instances),
        gauge('nvcf_function_concurrency', functionId, versionId, concurrency),
      ];
      await store.write([
        ...gateway('f', 12),
        ...version('f', 'f1', 3, 4),
        ...version('f', 'f2', 1, 4),
        ...version('f', 'f3', 0, 4),
        ...gateway('asleep', 6),
        ...version('asleep', 's1', 0, 4),
        ...version('asleep', 's2', 0, 4),
        ...version('not at the gateway', 'n1', 5, 4),
        ...gateway('none', 99),
      ]);
      const reader = await store.reader({ names: ['llm-gateway'], labels: { aws_env } });
      const [reading] = await reader.read(EVERYTHING, {});
      expect(valuesOf(reading?.utilisation)).toEqual({
        f1: expect.closeTo(75),
        f2: expect.closeTo(75),
        f3: expect.closeTo(75),
        s1: Number.POSITIVE_INFINITY,
        s2: Number.POSITIVE_INFINITY,
      });
      expect(valuesOf(reading?.demand)).toEqual({
        f1: expect.closeTo(9),
        f2: expect.closeTo(3),
        f3: 0,
        s1: expect.closeTo(3),
        s2: expect.closeTo(3),
      });
      expect(valuesOf(reading?.instances)).toEqual({ f1: 3, f2: 1, f3: 0, s1: 0, s2: 0 });
      expect(Object.keys(valuesOf(reading?.invocation)).sort()).toEqual(['f1', 'f2', 'f3', 's1', 's2']);
      const discovered = await reader.discover(EVERYTHING, {});
      expect(discovered.versions.map(({ versionId }) => versionId).sort()).toEqual(['f1', 'f2', 'f3', 's1', 's2']);
      const [past] = await reader.backfill(EVERYTHING, {
        lookBackMs: 60_000,
        stepMs: 60_000,
        idleMs: 60_000,
        gapMs: 90_000,
      });
      expect(past).toMatchObject({ state: 'read', invoked: new Set(['f1', 'f2', 'f3', 's1', 's2']) });
    });

    it('identifies the product and reads its clock', async () => {
      const { skewMs, flavour } = await (await store.reader({ clock: systemClock })).probe({});
      expect(flavour).toBe(kind === 'embedded' ? 'prometheus' : kind);
      expect(Math.abs(skewMs)).toBeLessThan(1_000);
      const ahead = await store.reader({ clock: { ...systemClock, wallMs: () => Date.now() + 3_600_000 } });
      expect(Math.abs((await ahead.probe({})).skewMs - 3_600_000)).toBeLessThan(1_000);
    });

    it('lists series and their labels for people', async () => {
      await store.write([
        {
          labels: { __name__: 'listed_total', environment: 'x', function_version_id: 'a' },
          ...samples({ endMs: now, value: () => 1 }),
        },
        {
          labels: { __name__: 'listed_total', environment: 'x', function_version_id: 'b' },
          ...samples({ endMs: now, value: () => 1 }),
        },
      ]);
      const listed = await listSeries(store.client(), {
        metrics: ['listed_total', 'not_there_total'],
        clock: systemClock,
      });
      expect(listed.map(({ metric, series }) => [metric, series])).toEqual([
        ['listed_total', 2],
        ['not_there_total', 0],
      ]);
      expect(listed[0]?.labels.get('environment')).toEqual(['x']);
      expect(listed[0]?.labels.get('function_version_id')?.toSorted()).toEqual(['a', 'b']);
    });
  });
}

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { MetricsStore } from '../../../src/metrics-store/open-metrics-store.ts';
import { startEmbeddedStore } from '../../support/timeseries/embedded-store.ts';
import { PageWriter } from '../../support/timeseries/page-writer.ts';
import { RemoteWriter } from '../../support/timeseries/remote-write.ts';
import {
  startTimeseriesServer,
  type TimeseriesServer,
  timeseriesAvailability,
} from '../../support/timeseries/timeseries-server.ts';
import { ask, differenceBetween } from './answers.ts';
import { DIFFERENCES } from './differences.ts';
import { generatedQueries } from './generated-queries.ts';
import { SPAN_MS, samplesOfAllShapes } from './samples-of-all-shapes.ts';
import { WRITTEN_QUERIES } from './written-queries.ts';

const found = await timeseriesAvailability('prometheus');
const title = found.available ? `beside Prometheus ${found.version}` : `beside Prometheus (${found.why})`;
const GENERATED = 400;
const isKnown = (query: string) => DIFFERENCES.some((one) => one.query === query || one.covers.test(query));

describe.skipIf(!found.available)(`the embedded store ${title}`, () => {
  let theirs: TimeseriesServer;
  let ours: MetricsStore;
  const endMs = Math.floor((Date.now() - 60_000) / 60_000) * 60_000;

  beforeAll(async () => {
    theirs = await startTimeseriesServer('prometheus');
    ours = await startEmbeddedStore();
    const samples = samplesOfAllShapes(endMs);
    await new RemoteWriter(theirs.url).write(samples);
    await new PageWriter(ours.url).write(samples);
  });
  afterAll(async () => {
    await theirs?.stop();
    await ours?.stop();
  });

  /** At moments on and off the grid of the samples, and over spans with and without them. */
  const askings: { path: string; parameters: Record<string, string> }[] = [
    ...[0, 7_300, 125_000, 605_001].map((beforeMs) => ({
      path: 'query',
      parameters: { time: String((endMs - beforeMs) / 1000) },
    })),
    ...[
      { fromMs: endMs - 600_000, toMs: endMs, step: '15' },
      { fromMs: endMs - SPAN_MS - 120_000, toMs: endMs + 420_500, step: '77.7s' },
      { fromMs: endMs - 300_000, toMs: endMs - 300_000, step: '1m' },
    ].map(({ fromMs, toMs, step }) => ({
      path: 'query_range',
      parameters: { start: String(fromMs / 1000), end: String(toMs / 1000), step: step.replace('77.7s', '77.7') },
    })),
  ];

  async function differencesOf(query: string): Promise<string[]> {
    const differences: string[] = [];
    for (const { path, parameters } of askings) {
      const asked = { ...parameters, query };
      const [one, other] = await Promise.all([ask(theirs.url, path, asked), ask(ours.url, path, asked)]);
      const isOrdered = path === 'query' && /^(?:sort|sort_desc)\(temperature|^(?:topk|bottomk)\(/.test(query);
      const difference = differenceBetween(one, other, { isOrdered });
      if (difference !== undefined)
        differences.push(`${query} as ${path} ${Object.values(parameters).join()}: ${difference}`);
    }
    return differences;
  }

  async function allDifferences(queries: readonly string[]): Promise<string[]> {
    const differences: string[] = [];
    for (const query of queries) if (!isKnown(query)) differences.push(...(await differencesOf(query)));
    return differences;
  }

  it(`answers ${WRITTEN_QUERIES.length} written queries as Prometheus does`, async () => {
    expect(WRITTEN_QUERIES.length).toBeGreaterThan(600);
    expect(await allDifferences(WRITTEN_QUERIES)).toEqual([]);
  });

  it(`answers ${GENERATED} generated queries as Prometheus does`, async () => {
    const queries = generatedQueries(GENERATED);
    expect(new Set(queries).size).toBeGreaterThan(GENERATED * 0.8);
    expect(await allDifferences(queries)).toEqual([]);
  });

  it.each(DIFFERENCES)('still differs on $query', async ({ query }) => {
    expect(await differencesOf(query)).not.toEqual([]);
  });
});

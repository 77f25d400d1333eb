import { describe, expect, it } from 'vitest';
import { cutSeries } from '../../../src/adapters/prometheus/cut-series.ts';
import { parseQueryResult } from '../../../src/adapters/prometheus/query-result.ts';
import { TimeseriesError } from '../../../src/ports/signal-reader.ts';

const from = { url: 'http://store/api/v1/query', status: 200 };

interface Entry {
  metric: Record<string, string>;
  value?: [number, string];
  values?: [number, string][];
}

function manySeries(count = 4_000, metricOf: (index: number) => Record<string, string> = () => ({})): Entry[] {
  return Array.from({ length: count }, (_, index) => ({
    metric: { version: `version-${index}-é`, ...metricOf(index) },
    value: [1_700_000_000.5, String(index)],
  }));
}

function bodyOf(result: unknown[], resultType = 'vector', beside: object = {}): Buffer {
  return Buffer.from(JSON.stringify({ status: 'success', ...beside, data: { resultType, result }, ...beside }));
}

function read(body: Buffer) {
  const { series, partial } = parseQueryResult(body, from);
  return { length: series.length, series: [...series], partial };
}

describe('a long answer', () => {
  it('is cut into pieces that give the same series, however often it is walked over', () => {
    const entries = manySeries();
    const body = bodyOf(entries);
    expect(cutSeries(body)?.pieces.length).toBeGreaterThan(2);
    const expected = entries.map(({ metric, value }) => ({ metric, samples: [value] }));
    const { series } = parseQueryResult(body, from);
    expect(series.length).toBe(entries.length);
    expect([...series]).toEqual(expected);
    expect([...series]).toEqual(expected);
  });

  it('is cut with many samples, too', () => {
    const values = Array.from({ length: 40 }, (_, index): [number, string] => [index, '1']);
    const entries = manySeries(1_000).map(({ metric }) => ({ metric, values }));
    const body = bodyOf(entries, 'matrix');
    expect(cutSeries(body)).toBeDefined();
    expect(read(body).series.map(({ samples }) => samples.length)).toEqual(entries.map(() => 40));
  });

  it('keeps what the store says beside the series', () => {
    const said = { isPartial: false, warnings: ['a store is away: [{"metric":{}}]}]'], stats: { seriesFetched: '4' } };
    const body = bodyOf(manySeries(), 'vector', said);
    expect(cutSeries(body)).toBeDefined();
    expect(read(body)).toMatchObject({ length: 4_000, partial: said.warnings[0] });
  });

  it('takes labels that look like the end of a series or the beginning of another', () => {
    const tricky = manySeries(4_000, (index) => ({ name: index % 2 ? ']}]' : ',{"metric":{}}', more: '\\",{' }));
    const body = bodyOf(tricky);
    expect(read(body).series).toEqual(tricky.map(({ metric, value }) => ({ metric, samples: [value] })));
  });

  it('is read as a whole where it is written in another way', () => {
    const entries = manySeries();
    const body = Buffer.from(
      JSON.stringify({ status: 'success', data: { resultType: 'vector', result: entries } }, null, 1),
    );
    expect(cutSeries(body)).toBeUndefined();
    expect(read(body).length).toBe(entries.length);
  });

  it('that breaks off is refused at once', () => {
    const body = bodyOf(manySeries());
    expect(() => parseQueryResult(body.subarray(0, body.length - 40), from)).toThrow(TimeseriesError);
  });

  it('that is broken inside is refused by whoever walks over it', () => {
    const body = bodyOf(manySeries());
    body.write('#', body.length / 2);
    body.write('"', body.length / 2 + 1);
    expect(() => read(body)).toThrow(TimeseriesError);
  });
});

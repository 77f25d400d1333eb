import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseQueryResult, sampleValue } from '../../../src/adapters/prometheus/query-result.ts';
import { TimeseriesError } from '../../../src/ports/signal-reader.ts';

const from = { url: 'http://store/api/v1/query', status: 200 };
const parse = (body: unknown, status = 200) =>
  parseQueryResult(Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)), { ...from, status });
const empty = { resultType: 'matrix', result: [] };

function failure(body: unknown, status = 200): TimeseriesError {
  try {
    parse(body, status);
  } catch (error) {
    if (error instanceof TimeseriesError) return error;
    throw error;
  }
  throw new Error('it was taken');
}

describe('an answer', () => {
  it('gives labels and samples, of a vector and of a matrix', () => {
    const vector = { resultType: 'vector', result: [{ metric: { a: 'x' }, value: [5, '1.5'] }] };
    expect(parse({ status: 'success', data: vector }).series).toEqual([{ metric: { a: 'x' }, samples: [[5, '1.5']] }]);
    const matrix = {
      resultType: 'matrix',
      result: [
        {
          metric: {},
          values: [
            [5, '1'],
            [6, '2'],
          ],
        },
      ],
    };
    expect([...parse({ status: 'success', data: matrix }).series][0]?.samples).toHaveLength(2);
  });

  it('shows a native histogram as a series without samples', () => {
    const result = [{ metric: { a: 'x' }, histogram: [5, { count: '1', sum: '2' }] }];
    expect(parse({ status: 'success', data: { resultType: 'vector', result } }).series).toEqual([
      { metric: { a: 'x' }, samples: [] },
    ]);
  });

  it('is partial when the store says that something is missing', () => {
    const partial = (extra: object) => parse({ status: 'success', data: empty, ...extra }).partial;
    expect(partial({})).toBe('');
    expect(partial({ isPartial: true })).toMatch(/partial/);
    expect(partial({ warnings: ['store 3 did not answer'] })).toBe('store 3 did not answer');
    expect(partial({ infos: ['fetched less than all'] })).toBe('fetched less than all');
    // A remark on the form of the query comes with every answer of it, and misses no data.
    expect(partial({ infos: ['PromQL info: metric might not be a counter'] })).toBe('');
  });

  it('that is a refusal carries the reason, told from overload', () => {
    const refused = failure({ status: 'error', errorType: 'bad_data', error: 'parse error: unexpected ")"' }, 400);
    expect(refused).toMatchObject({ kind: 'query', status: 400 });
    expect(refused.message).toContain('parse error: unexpected ")"');
    expect(failure({ status: 'error', errorType: 'timeout', error: 'too slow' }, 503).kind).toBe('overloaded');
  });

  it('of something else names what came and what to do', () => {
    const html = failure('<!DOCTYPE html><html><head><title>Grafana</title></head></html>');
    expect(html.kind).toBe('not-prometheus');
    expect(html.message).toBe(
      'http://store/api/v1/query answered 200 with an HTML page ("Grafana"), which is not Prometheus\' query API: give the address before /api/v1, such as http://prometheus:9090',
    );
    for (const body of [
      '',
      '[]',
      '7',
      '{"status":"success"}',
      '{"status":"success","data":{"resultType":"string","result":[]}}',
    ]) {
      expect(failure(body).kind, body).toBe('not-prometheus');
    }
    expect(failure({ status: 'success', data: { resultType: 'matrix', result: [null] } }).kind).toBe('not-prometheus');
  });

  it('does not let labels reach prototypes', () => {
    const body =
      '{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"__proto__":{"polluted":"yes"}},"values":[]}]}}';
    parse(body);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });
});

describe('a sample value', () => {
  it('is read as Go writes it', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        expect(sampleValue(String(value))).toBe(value + 0);
      }),
    );
    expect(sampleValue('+Inf')).toBe(Number.POSITIVE_INFINITY);
    expect(sampleValue('-Inf')).toBe(Number.NEGATIVE_INFINITY);
    expect(sampleValue('NaN')).toBeNaN();
    expect(sampleValue('1e+06')).toBe(1_000_000);
  });

  it('is nothing where it is no number', () => {
    for (const text of ['', ' ', '0x10', '1_000', 'Infinity', 'inf', '1e', '--1', 5, null, undefined, ['1']]) {
      expect(sampleValue(text), String(text)).toBeUndefined();
    }
  });
});

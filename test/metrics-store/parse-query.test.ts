import { describe, expect, it } from 'vitest';
import { functionNames } from '../../src/metrics-store/promql/functions.ts';
import { parseQuery } from '../../src/metrics-store/promql/parse-query.ts';

describe('a query', () => {
  it.each([
    ['a[5m:1m]', 'not supported: subqueries'],
    ['rate((a)[5m:])', 'not supported: subqueries'],
    ['deriv(a[5m])', 'not supported: the function deriv'],
    ['holt_winters(a[5m], 0.5, 0.5)', 'not supported: the function holt_winters'],
    ['hour()', 'not supported: the function hour'],
    ['info(a)', 'not supported: the function info'],
    ['limitk(1, a)', 'not supported: the aggregation limitk'],
    ['a atan2 b', 'not supported: the operator atan2'],
    ['{"quoted", x="1"}', 'not supported: quoted label names'],
    ['a[5m] smoothed', 'not supported: the modifier smoothed'],
    ['a + fill (0) b', 'not supported: the modifier fill'],
  ])('%s is refused by name', (query, why) => {
    expect(() => parseQuery(query)).toThrow(why);
  });

  it.each([
    ['a +', 'invalid parameter "query": 1:4: parse error: unexpected end of input'],
    ['a\n+ nosuch(b)', '2:9: parse error: unknown function with name "nosuch"'],
    ['rate(a)', '1:1: parse error: expected type range vector in call to function "rate", got instant vector'],
    ['1 > 2', 'comparisons between scalars must use BOOL modifier'],
    ['a[5x]', 'not a valid duration string'],
    [`${'('.repeat(3_000)}a${')'.repeat(3_000)}`, 'nested too deeply'],
    ['a'.repeat(100_001), 'longer than 100000 characters'],
  ])('%.40s says where it is wrong', (query, why) => {
    expect(() => parseQuery(query)).toThrow(why);
  });

  it('lets modifiers belong to the selector before them, whatever stands on its left', () => {
    const query = parseQuery('a - rate(b{x="[5m]"}[3m] offset -1m @ end()) # offset 9m');
    expect(query).toMatchObject({
      kind: 'binary',
      left: { kind: 'vector-selector', offsetMs: 0, at: undefined },
      right: { args: [{ kind: 'matrix-selector', rangeMs: 180_000, selector: { offsetMs: -60_000, at: 'end' } }] },
    });
  });

  it('knows each of its functions', () => {
    expect(functionNames().length).toBeGreaterThan(40);
  });
});

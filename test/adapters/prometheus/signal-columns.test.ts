import { describe, expect, it } from 'vitest';
import type { RawSeries } from '../../../src/adapters/prometheus/query-result.ts';
import { type QueryTable, tableRows } from '../../../src/adapters/prometheus/query-table.ts';
import { type Domain, signalColumn } from '../../../src/adapters/prometheus/signal-columns.ts';
import type { SignalDefinition } from '../../../src/adapters/prometheus/signal-profile.ts';
import { VersionIndex } from '../../../src/adapters/prometheus/version-index.ts';
import type { Column } from '../../../src/ports/signal-reader.ts';

const index = new VersionIndex();
const column = (definition: SignalDefinition, tables: ReadonlyMap<string, QueryTable>, domain: Domain) =>
  signalColumn(definition, domain, { tables, index });

function table(
  rows: readonly [version: string, value: string, threads?: string][],
  extra: Partial<QueryTable> = {},
): QueryTable {
  const series = rows.map(
    ([version, value, threads]): RawSeries => ({
      metric: threads === undefined ? { v: version } : { v: version, threads },
      samples: [[0, value]],
    }),
  );
  return {
    ...tableRows(series, { index, versionLabel: 'v', weightLabels: ['threads'] }),
    state: 'read',
    isPresent: true,
    detail: '',
    ...extra,
  };
}

const valuesOf = (column: Column) =>
  Object.fromEntries(column.versionIds.map((versionId, index) => [versionId, column.values[index]]));
const rejectedOf = (column: Column) =>
  Object.fromEntries(column.rejected.map(({ versionId, why }) => [versionId, why]));

describe('a column of a plain query', () => {
  it('keeps infinite load, leaves NaN out, and rejects what no load can be', () => {
    const busy = table([
      ['fine', '1.5'],
      ['none', 'NaN'],
      ['over', '+Inf'],
      ['under', '-1'],
      ['below', '-Inf'],
      ['odd', 'x'],
      ['twice', '1'],
      ['twice', '2'],
      ['half', '3'],
      ['half', 'NaN'],
    ]);
    const made = column('busy', new Map([['busy', busy]]), 'load');
    expect(valuesOf(made)).toEqual({ fine: 1.5, over: Number.POSITIVE_INFINITY, half: 3 });
    expect(rejectedOf(made)).toEqual({ under: 'negative', below: 'negative', odd: 'unreadable', twice: 'ambiguous' });
  });

  it('has no infinite counts', () => {
    const made = column(
      'n',
      new Map([
        [
          'n',
          table([
            ['a', '+Inf'],
            ['b', '2'],
          ]),
        ],
      ]),
      'count',
    );
    expect(valuesOf(made)).toEqual({ b: 2 });
    expect(rejectedOf(made)).toEqual({ a: 'unreadable' });
  });
});

describe('a column of sums', () => {
  const threads = table([
    ['a', '2', '4'],
    ['a', '1', '8'],
    ['b', '3', '0'],
    ['c', '1', 'many'],
    ['d', '1'],
    ['e', '-1', '4'],
    ['f', 'NaN', '4'],
  ]);
  const tables = new Map([['threads', threads]]);

  it('counts, and weighs by a label', () => {
    expect(valuesOf(column({ sum: 'threads' }, tables, 'count'))).toEqual({ a: 3, b: 3, c: 1, d: 1 });
    const weighed = column({ sum: 'threads', times: 'threads' }, tables, 'load');
    expect(valuesOf(weighed)).toEqual({ a: 16, b: 0 });
    expect(rejectedOf(weighed)).toEqual({ c: 'unreadable', d: 'unreadable', e: 'negative' });
  });

  it('puts load over capacity: over none it is infinite, nothing over nothing is absent, and no capacity known is absent', () => {
    const busy = table([
      ['a', '4'],
      ['b', '1'],
      ['f', '1'],
      ['gone', '1'],
    ]);
    const definition = { percent: { of: 'busy', over: { sum: 'threads', times: 'threads' } } };
    const made = column(definition, new Map([...tables, ['busy', busy]]), 'load');
    expect(valuesOf(made)).toEqual({ a: 25, b: Number.POSITIVE_INFINITY });
    const idle = column(definition, new Map([...tables, ['busy', table([['b', '0']])]]), 'load');
    expect(valuesOf(idle)).toEqual({});
    expect(rejectedOf(idle)).toMatchObject({ c: 'unreadable' });
  });

  it('multiplies capacities, and gives no answer for a negative one', () => {
    const many = new Map([
      [
        'load',
        table([
          ['a', '6'],
          ['b', '1'],
          ['c', '1'],
        ]),
      ],
      [
        'instances',
        table([
          ['a', '3'],
          ['b', '-2'],
          ['c', '+Inf'],
        ]),
      ],
      [
        'concurrency',
        table([
          ['a', '4'],
          ['b', '-1'],
          ['c', '1'],
        ]),
      ],
    ]);
    const made = column({ percent: { of: 'load', over: { product: ['instances', 'concurrency'] } } }, many, 'load');
    expect(valuesOf(made)).toEqual({ a: 50 });
    expect(rejectedOf(made)).toEqual({ b: 'negative', c: 'unreadable' });
  });
});

describe('the state of a column', () => {
  const definition = { percent: { of: 'load', over: 'capacity' } };
  const load = table([['a', '1']]);

  it('is the worst of its queries, and a failed one leaves no values', () => {
    const partial = table([['a', '2']], { state: 'partial', detail: 'store 3 is away' });
    expect(
      column(
        definition,
        new Map([
          ['load', load],
          ['capacity', partial],
        ]),
        'load',
      ),
    ).toMatchObject({
      state: 'partial',
      detail: 'store 3 is away',
      versionIds: ['a'],
    });
    const failed = table([], { state: 'failed', detail: 'no answer', isPresent: undefined });
    expect(
      column(
        definition,
        new Map([
          ['load', load],
          ['capacity', failed],
        ]),
        'load',
      ),
    ).toMatchObject({
      state: 'failed',
      isPresent: undefined,
      versionIds: [],
      detail: 'no answer',
    });
  });

  it('is present only when all its metrics are', () => {
    const present = (a: boolean | undefined, b: boolean | undefined) =>
      column(
        definition,
        new Map([
          ['load', table([], { isPresent: a })],
          ['capacity', table([], { isPresent: b })],
        ]),
        'load',
      ).isPresent;
    expect(present(true, true)).toBe(true);
    expect(present(true, false)).toBe(false);
    expect(present(undefined, false)).toBe(false);
    expect(present(true, undefined)).toBeUndefined();
  });
});

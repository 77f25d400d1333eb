import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { labelsOf, labelValue } from '../../src/metrics-store/storage/labels.ts';
import { matcherOf } from '../../src/metrics-store/storage/matcher.ts';
import { SampleSpan } from '../../src/metrics-store/storage/sample-slabs.ts';
import { SampleStore, SeriesLimitError } from '../../src/metrics-store/storage/sample-store.ts';

const HOUR_MS = 3_600_000;
const labels = (text: Record<string, string>) => labelsOf(Object.entries(text));
const newStore = (seriesMax = 1000) => new SampleStore({ retentionMs: HOUR_MS, seriesMax });

describe('the sample store', () => {
  it('refuses what is older than its series, than the retention, or too far ahead', () => {
    const store = newStore();
    const series = store.series(labels({ __name__: 'a' }));
    const append = (timeMs: number) => store.append(series, { timeMs, value: 1, nowMs: 2 * HOUR_MS });
    expect(append(HOUR_MS - 1)).toBe('too-old');
    expect(append(HOUR_MS)).toBe('kept');
    expect(append(HOUR_MS)).toBe('same');
    expect(append(HOUR_MS - 1)).toBe('out-of-order');
    expect(append(3 * HOUR_MS + 1)).toBe('too-far-ahead');
    expect(append(3 * HOUR_MS)).toBe('kept');
  });

  it('tells the end of a series from a value that is no number, to the bit', () => {
    const store = newStore();
    const series = store.series(labels({ __name__: 'a' }));
    store.append(series, { timeMs: 1_000, value: Number.NaN, nowMs: 1_000 });
    expect(store.latest(series, 5_000, 0)).toEqual({ timeMs: 1_000, value: Number.NaN });
    store.append(series, { timeMs: 2_000, value: Number.NaN, nowMs: 2_000, isStale: true });
    expect(store.latest(series, 5_000, 0)).toBeUndefined();
    expect(store.latest(series, 1_999, 0)?.timeMs).toBe(1_000);
    const span = new SampleSpan();
    store.copy(series, { fromMs: 0, toMs: 9_000, keepStale: false }, span);
    expect(span.count).toBe(1);
  });

  it('lets go of old samples and of series that have none left, and takes them up again', () => {
    const store = newStore(2);
    const [old, young] = [
      store.series(labels({ __name__: 'a', x: '1' })),
      store.series(labels({ __name__: 'a', x: '2' })),
    ];
    store.append(old, { timeMs: 0, value: 1, nowMs: 0 });
    store.append(young, { timeMs: HOUR_MS, value: 2, nowMs: HOUR_MS });
    expect(() => store.series(labels({ __name__: 'b' }))).toThrow(SeriesLimitError);
    store.forgetOld(HOUR_MS + 1);
    expect([old.isDropped, young.isDropped, store.seriesCount]).toEqual([true, false, 1]);
    expect(store.select([matcherOf('__name__', '=', 'a')])).toEqual([young]);
    expect(store.select([matcherOf('x', '=', '1')])).toEqual([]);
    expect(store.series(labels({ __name__: 'a', x: '1' }))).not.toBe(old);
  });

  it('does not grow while samples come and go', () => {
    const store = newStore();
    const series = Array.from({ length: 50 }, (_, at) => store.series(labels({ __name__: 'a', at: String(at) })));
    let grown = 0;
    for (let timeMs = 0; timeMs < 20 * HOUR_MS; timeMs += 15_000) {
      for (const one of series) store.append(one, { timeMs, value: timeMs, nowMs: timeMs });
      if (timeMs % 300_000 === 0) store.forgetOld(timeMs);
      if (timeMs === 2 * HOUR_MS) grown = store.sampleBytes;
    }
    expect(store.sampleBytes).toBe(grown);
  });

  it('selects what looking at every series would, and finds every sample again', () => {
    const value = fc.constantFrom('', 'a', 'b', 'ab', 'c.d');
    const set = fc.record({ __name__: fc.constantFrom('m', 'n'), x: value, y: value });
    const wanted = fc.record({
      name: fc.constantFrom('__name__', 'x', 'y', 'z'),
      operator: fc.constantFrom('=' as const, '!=' as const, '=~' as const, '!~' as const),
      value: fc.constantFrom('', 'a', 'a|b', 'm', '.*', 'a.*', 'c\\.d|'),
    });
    fc.assert(
      fc.property(fc.array(set, { maxLength: 20 }), fc.array(wanted, { maxLength: 3 }), (sets, wishes) => {
        const store = newStore();
        const all = [...new Set(sets.map((one) => store.series(labels(one))))];
        const matchers = wishes.map((one) => matcherOf(one.name, one.operator, one.value));
        const expected = all.filter((one) =>
          matchers.every((matcher) => matcher.matches(labelValue(one.labels, matcher.name))),
        );
        expect(new Set(store.select(matchers))).toEqual(new Set(expected));
      }),
    );
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 90_000 }), { maxLength: 120 }),
        fc.tuple(fc.integer({ min: 0, max: HOUR_MS }), fc.integer({ min: 0, max: HOUR_MS })),
        (gaps, [one, other]) => {
          const store = newStore();
          const series = store.series(labels({ __name__: 'a' }));
          let timeMs = 0;
          const times = gaps.map((gap) => (timeMs += gap)).filter((at) => at < HOUR_MS);
          for (const at of times) store.append(series, { timeMs: at, value: at / 7, nowMs: HOUR_MS });
          const [fromMs, toMs] = [Math.min(one, other), Math.max(one, other)];
          const span = new SampleSpan();
          store.copy(series, { fromMs, toMs, keepStale: true }, span);
          const expected = times.filter((at) => at >= fromMs && at <= toMs);
          expect([...span.times.subarray(0, span.count)]).toEqual(expected);
          expect([...span.values.subarray(0, span.count)]).toEqual(expected.map((at) => at / 7));
          expect(store.latest(series, toMs, fromMs)?.timeMs).toBe(expected.at(-1));
        },
      ),
    );
  });
});

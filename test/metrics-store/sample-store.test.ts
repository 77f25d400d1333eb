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
  });

  it('finds every sample again, to the millisecond and to the bit, however times and values go', () => {
    const gap = fc.oneof(
      fc.constant(15_000),
      fc.integer({ min: 14_900, max: 15_100 }),
      fc.integer({ min: 1, max: 90_000 }),
    );
    const value = fc.oneof(
      { weight: 8, arbitrary: fc.constant(4) },
      fc.constantFrom(0, -0, Number.NaN, Number.POSITIVE_INFINITY, 'stale' as const),
      fc.double(),
    );
    fc.assert(
      fc.property(
        fc.array(fc.tuple(gap, value), { maxLength: 200 }),
        fc.tuple(fc.integer({ min: 0, max: HOUR_MS }), fc.integer({ min: 0, max: HOUR_MS })),
        (given, [one, other]) => {
          const store = newStore();
          // Blocks that another series has left behind must not show through.
          const before = store.series(labels({ __name__: 'before' }));
          for (let at = 0; at < 100; at += 1)
            store.append(before, { timeMs: at * 7 - HOUR_MS, value: at % 40, nowMs: 0 });
          store.forgetOld(HOUR_MS / 2);
          const series = store.series(labels({ __name__: 'a' }));
          let lastMs = 0;
          const samples = given
            .map(([gapMs, value]) => {
              lastMs += gapMs;
              return { timeMs: lastMs, value };
            })
            .filter(({ timeMs }) => timeMs <= HOUR_MS);
          for (const { timeMs, value } of samples) {
            const isStale = value === 'stale';
            store.append(series, { timeMs, value: isStale ? Number.NaN : value, nowMs: HOUR_MS, isStale });
          }
          const [fromMs, toMs] = [Math.min(one, other), Math.max(one, other)];
          const span = new SampleSpan();
          store.copy(series, { fromMs, toMs, keepStale: true }, span);
          const expected = samples.filter(({ timeMs }) => timeMs >= fromMs && timeMs <= toMs);
          expect([...span.times.subarray(0, span.count)]).toEqual(expected.map(({ timeMs }) => timeMs));
          const values = Array.from(span.values.subarray(0, span.count), (kept, place) =>
            span.stale[place] === 1 ? 'stale' : kept,
          );
          expect(values).toEqual(expected.map(({ value }) => value));
          const last = expected.at(-1);
          const latest = store.latest(series, toMs, fromMs);
          expect(latest).toEqual(last?.value === 'stale' ? undefined : last);
        },
      ),
    );
  });

  it('keeps a value that stays what it was in less', () => {
    const bytesOf = (value: (at: number) => number) => {
      const store = newStore(3_000);
      for (let of = 0; of < 3_000; of += 1) {
        const series = store.series(labels({ __name__: 'a', of: String(of) }));
        for (let at = 0; at < 64; at += 1) store.append(series, { timeMs: at * 15_000, value: value(at), nowMs: 0 });
      }
      return store.sampleBytes / (3_000 * 64);
    };
    expect(bytesOf(() => 4)).toBeLessThan(3);
    expect(bytesOf((at) => at)).toBeLessThan(12);
  });
});

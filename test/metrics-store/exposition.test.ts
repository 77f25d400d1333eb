import { describe, expect, it } from 'vitest';
import { ExpositionError, readExposition, readSeriesText } from '../../src/metrics-store/scrape/exposition.ts';

function read(page: string, foreseen: readonly string[] = []) {
  const samples: { text: string | undefined; value: number; timeMs: number | undefined }[] = [];
  readExposition(page, {
    endMark: undefined,
    foreseen: () => foreseen[samples.length],
    sample: (text, { value, timeMs }) => samples.push({ text, value, timeMs }),
  });
  return samples;
}

describe('a page of metrics', () => {
  it('is read sample by sample, with and without labels and time stamps', () => {
    const page = '# HELP a help\n# TYPE a counter\n\na 1\n  b{x="1"}  2.5 \nc{x="1",y="2",} -3e2 1700000000123\nd 4';
    expect(read(page)).toEqual([
      { text: 'a', value: 1, timeMs: undefined },
      { text: 'b{x="1"}', value: 2.5, timeMs: undefined },
      { text: 'c{x="1",y="2",}', value: -300, timeMs: 1_700_000_000_123 },
      { text: 'd', value: 4, timeMs: undefined },
    ]);
  });

  it('has values that are none or have no end', () => {
    expect(read('a NaN\na +Inf\na -Inf\na Inf\na 0x10\n').map(({ value }) => value)).toEqual([
      Number.NaN,
      Number.POSITIVE_INFINITY,
      Number.NEGATIVE_INFINITY,
      Number.POSITIVE_INFINITY,
      16,
    ]);
  });

  it('tells what was foreseen from what only begins like it', () => {
    const texts = ['a{x="1"}', 'b', 'c'];
    expect(read('a{x="1"} 1\nbb 2\nc 3\n', texts).map(({ text }) => text)).toEqual([undefined, 'bb', undefined]);
  });

  it('keeps braces, blanks, hashes and quotes within label values', () => {
    const text = 'a{x="} 1 # \\" {",y="\\\\"}';
    expect(read(`${text} 7\n`)).toEqual([{ text, value: 7, timeMs: undefined }]);
    expect(readSeriesText(text)).toEqual([
      ['__name__', 'a'],
      ['x', '} 1 # " {'],
      ['y', '\\'],
    ]);
  });

  it.each([
    ['a', 'line 1'],
    ['ok 1\na{x="1" 1', 'line 2'],
    ['a one', 'line 1'],
    ['a 1 2 3', 'time stamp'],
    ['a 1 1.5', 'time stamp'],
    ['a StaleNaN', 'no number'],
    ['a 1_000', 'no number'],
  ])('%j is refused', (page, why) => {
    expect(() => read(page)).toThrow(ExpositionError);
    expect(() => read(page)).toThrow(why);
  });

  it.each([
    '1a',
    'a{',
    'a{x}',
    'a{x=1}',
    'a{x="1" y="2"}',
    'a{x="1",x="2"}',
    'a{__name__="b"}',
    'a{0x="1"}',
    'a{,}',
    'a b',
  ])('%j is no series', (text) => {
    expect(readSeriesText(text)).toBeUndefined();
  });
});

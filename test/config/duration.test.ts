import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatDuration, parseDuration } from '../../src/config/duration.ts';

describe('durations', () => {
  const readings: [string, number | undefined][] = [
    ['15s', 15_000],
    ['500ms', 500],
    ['1m30s', 90_000],
    ['1.5s', 1500],
    ['0.1s', 100],
    ['7d', 604_800_000],
    ['2h', 7_200_000],
    ['0', 0],
    [' 15s ', 15_000],
    ['PT10M', 600_000],
    ['P1DT2H', 93_600_000],
    ['PT0.5S', 500],
    ['PT1H30M15S', 5_415_000],
    ['15', undefined],
    ['', undefined],
    ['s', undefined],
    ['-5s', undefined],
    ['15 s', undefined],
    ['15sec', undefined],
    ['1s garbage', undefined],
    ['P', undefined],
    ['PT', undefined],
    ['P1M', undefined],
  ];
  for (const [text, ms] of readings) {
    it(`reads ${JSON.stringify(text)} as ${ms}`, () => {
      expect(parseDuration(text)).toBe(ms);
    });
  }

  it('writes what it reads back', () => {
    fc.assert(fc.property(fc.integer({ min: 0, max: 10 ** 12 }), (ms) => parseDuration(formatDuration(ms)) === ms));
    expect(formatDuration(90_000)).toBe('1m30s');
    expect(formatDuration(2500)).toBe('2.5s');
    expect(formatDuration(0)).toBe('0s');
  });
});

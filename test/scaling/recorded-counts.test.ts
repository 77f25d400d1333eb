import { describe, expect, it } from 'vitest';
import { decide } from '../../src/scaling/decide.ts';
import { judgeActivity } from '../../src/scaling/situation.ts';
import { readValue } from './as-recorded.ts';
import { aSituation, NOW_MS, someSignals } from './situations.ts';
import { RECORDED_COUNTS, RECORDED_WINDOWS } from './vectors/recorded.ts';

/** Where our count is not the peer's, and why. */
const OTHERWISE: Record<string, string> = {
  A1009: 'NaN is no count, not 0',
  A1013: 'a negative number is no count, not 0',
  A1023: 'infinity is no count',
  A1017: 'of two series one is unreadable: which is right is not ours to guess',
  A1018: 'two series: which is right is not ours to guess',
  A1020: 'two series, one of them empty: which is right is not ours to guess',
};

/** One series is a count, its newest value; anything else is none. */
function countOf(series: readonly (readonly string[])[]): number | undefined {
  const newest = series.length === 1 ? series[0]?.[series[0].length - 1] : undefined;
  const value = newest === undefined ? undefined : readValue(newest);
  const signals = someSignals({ instances: { quality: 'fresh', value, atMs: NOW_MS } });
  return decide(aSituation({ signals })).decision.actual;
}

describe('instance counts, beside what the peer reads', () => {
  it.each(RECORDED_COUNTS.map((line) => [line.id, line] as const))('%s', (id, { series, fromWorkers }) => {
    if (OTHERWISE[id]) {
      expect(countOf(series)).toBeUndefined();
      expect(fromWorkers).toBeDefined();
    } else {
      expect(countOf(series)).toBe(fromWorkers);
    }
  });
});

describe('the idle time, beside the span that the peer looks back', () => {
  // Its span is cut to whole minutes, and each point of it looks five minutes further back.
  it.each(RECORDED_WINDOWS.map((line) => [line.id, line] as const))('%s', (_id, { idleTimeoutSeconds }) => {
    const calledAgo = (seconds: number) =>
      judgeActivity(
        aSituation({
          signals: someSignals({
            invocation: { quality: 'fresh', lastMs: NOW_MS - seconds * 1000, watchedSinceMs: 0 },
          }),
        }),
        idleTimeoutSeconds,
      );
    expect(calledAgo(idleTimeoutSeconds)).toBe('idle');
    if (idleTimeoutSeconds > 0) expect(calledAgo(idleTimeoutSeconds - 1)).toBe('called');
  });
});

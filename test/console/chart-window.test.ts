import { describe, expect, it } from 'vitest';
import { chartWindow, hasOlder } from '../../src/console/view/chart-series.ts';

const NOW = 1_000_000;

describe('the span of time that a chart shows', () => {
  it('is the chosen one where there is as much to show', () => {
    expect(chartWindow({ spanSeconds: 600, firstSeconds: NOW - 5000, nowSeconds: NOW })).toEqual({
      from: NOW - 600,
      to: NOW,
    });
  });

  it('begins with the first thing that there is, so that the first minutes are not a corner of an empty chart', () => {
    const { from, to } = chartWindow({ spanSeconds: 600, firstSeconds: NOW - 143, nowSeconds: NOW });
    expect(to - from).toBeGreaterThanOrEqual(143);
    expect(to - from).toBeLessThanOrEqual(150);
  });

  it('is half a minute at least', () => {
    for (const firstSeconds of [NOW - 3, NOW, NOW + 2]) {
      expect(chartWindow({ spanSeconds: 600, firstSeconds, nowSeconds: NOW })).toEqual({ from: NOW - 30, to: NOW });
    }
  });

  it('moves in steps, with no step that shows less than was shown before', () => {
    const shown = (nowSeconds: number) => chartWindow({ spanSeconds: 600, firstSeconds: NOW - 300, nowSeconds });
    expect(shown(NOW + 1)).toEqual(shown(NOW + 5));
    expect(shown(NOW + 6).from).toBe(shown(NOW + 1).from);
    expect(shown(NOW + 6).to).toBe(NOW + 10);
  });

  it('knows whether a longer span would show more', () => {
    expect(hasOlder({ thanSeconds: 600, firstSeconds: NOW - 143, nowSeconds: NOW })).toBe(false);
    expect(hasOlder({ thanSeconds: 600, firstSeconds: NOW - 700, nowSeconds: NOW })).toBe(true);
  });
});

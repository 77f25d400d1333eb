import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { labelText, prometheusText } from '../../src/telemetry/prometheus-text.ts';

/** Reads one label value back as Prometheus does. */
function readBack(text: string): string {
  return text.replace(/\\(\\|"|n)/g, (_, letter: string) => (letter === 'n' ? '\n' : letter));
}

describe('Prometheus text', () => {
  it('writes counters and gauges with help and type', () => {
    const text = prometheusText([
      { name: 'a_total', kind: 'counter', help: 'Back\\slash and\nline.', points: [{ labels: { x: '1' }, value: 2 }] },
      {
        name: 'b',
        kind: 'gauge',
        help: 'B.',
        points: [
          { labels: {}, value: Number.POSITIVE_INFINITY },
          { labels: { y: 'z' }, value: -0.5 },
        ],
      },
      { name: 'empty', kind: 'gauge', help: 'Nothing.', points: [] },
    ]);
    expect(text).toBe(
      '# HELP a_total Back\\\\slash and\\nline.\n# TYPE a_total counter\na_total{x="1"} 2\n# HELP b B.\n# TYPE b gauge\nb +Inf\nb{y="z"} -0.5\n',
    );
  });

  it('writes histograms cumulatively, up to +Inf', () => {
    const text = prometheusText([
      {
        name: 'h',
        kind: 'histogram',
        help: 'H.',
        points: [{ labels: { l: 'v' }, boundaries: [0.1, 1], counts: [1, 2, 3], sum: 9.5, count: 6 }],
      },
    ]);
    expect(text.split('\n').slice(2, -1)).toEqual([
      'h_bucket{l="v",le="0.1"} 1',
      'h_bucket{l="v",le="1"} 3',
      'h_bucket{l="v",le="+Inf"} 6',
      'h_sum{l="v"} 9.5',
      'h_count{l="v"} 6',
    ]);
  });

  it('writes any label text on one line, so that it reads back the same', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (value) => {
        const text = labelText({ id: value });
        expect(text).not.toContain('\n');
        const inner = /^\{id="((?:[^"\\]|\\.)*)"\}$/su.exec(text)?.[1];
        expect(inner).toBeDefined();
        expect(readBack(inner ?? '')).toBe(value.toWellFormed());
      }),
    );
    expect(labelText({ id: 'half \ud800 pair' })).toBe('{id="half \ufffd pair"}');
  });
});

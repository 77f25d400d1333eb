import type { InstantResult, RangeResult } from '../promql/run-query.ts';
import { valueText } from '../promql/value-text.ts';
import { type Labels, labelEntries } from '../storage/labels.ts';

/** The `data` of an instant query's answer. */
export function instantAnswer(result: InstantResult, atMs: number): string {
  const at = String(atMs / 1000);
  switch (result.kind) {
    case 'scalar':
      return `{"resultType":"scalar","result":[${at},"${valueText(result.value)}"]}`;
    case 'string':
      return `{"resultType":"string","result":[${at},${JSON.stringify(result.text)}]}`;
    case 'vector': {
      const rows = result.samples.map(
        ({ labels, value }) => `{"metric":${labelsText(labels)},"value":[${at},"${valueText(value)}"]}`,
      );
      return `{"resultType":"vector","result":[${rows.join()}]}`;
    }
    case 'matrix':
      return matrixText(result.series);
    default:
      return result satisfies never;
  }
}

export function rangeAnswer(result: RangeResult): string {
  return matrixText(result.series);
}

function matrixText(series: RangeResult['series']): string {
  const rows = series.map(({ labels, times, values }) => {
    const points: string[] = [];
    for (let at = 0; at < times.length; at += 1) {
      points.push(`[${(times[at] as number) / 1000},"${valueText(values[at] as number)}"]`);
    }
    return `{"metric":${labelsText(labels)},"values":[${points.join()}]}`;
  });
  return `{"resultType":"matrix","result":[${rows.join()}]}`;
}

function labelsText(labels: Labels): string {
  return `{${labelEntries(labels)
    .map(([name, value]) => `"${name}":${JSON.stringify(value)}`)
    .join()}}`;
}

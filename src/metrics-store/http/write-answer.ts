import type { InstantResult, RangeResult } from '../promql/run-query.ts';
import { valueText } from '../promql/value-text.ts';
import { type Labels, labelEntries } from '../storage/labels.ts';

/** The `data` of an instant query's answer, piece by piece. */
export function instantAnswer(result: InstantResult, atMs: number): Iterable<string> {
  const at = String(atMs / 1000);
  switch (result.kind) {
    case 'scalar':
      return [`{"resultType":"scalar","result":[${at},"${valueText(result.value)}"]}`];
    case 'string':
      return [`{"resultType":"string","result":[${at},${JSON.stringify(result.text)}]}`];
    case 'vector':
      return listed('vector', result.samples, ({ labels, value }) => {
        return `{"metric":${labelsText(labels)},"value":[${at},"${valueText(value)}"]}`;
      });
    case 'matrix':
      return matrixText(result.series);
    default:
      return result satisfies never;
  }
}

export function rangeAnswer(result: RangeResult): Iterable<string> {
  return matrixText(result.series);
}

/** The `data` of a list of series. */
export function* seriesAnswer(series: Iterable<{ readonly labels: Labels }>): Generator<string> {
  let before = '[';
  for (const { labels } of series) {
    yield before + labelsText(labels);
    before = ',';
  }
  yield before === '[' ? '[]' : ']';
}

function matrixText(series: RangeResult['series']): Iterable<string> {
  return listed('matrix', series, ({ labels, times, values }) => {
    let points = '';
    for (let at = 0; at < times.length; at += 1) {
      points += `${at === 0 ? '' : ','}[${(times[at] as number) / 1000},"${valueText(values[at] as number)}"]`;
    }
    return `{"metric":${labelsText(labels)},"values":[${points}]}`;
  });
}

function* listed<Row>(type: string, rows: readonly Row[], write: (row: Row) => string): Generator<string> {
  yield `{"resultType":"${type}","result":[`;
  for (let at = 0; at < rows.length; at += 1) yield (at === 0 ? '' : ',') + write(rows[at] as Row);
  yield ']}';
}

function labelsText(labels: Labels): string {
  return `{${labelEntries(labels)
    .map(([name, value]) => `"${name}":${JSON.stringify(value)}`)
    .join()}}`;
}

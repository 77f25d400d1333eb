import type { SeriesOverTime } from '../promql/frame.ts';
import type { InstantResult } from '../promql/run-query.ts';
import { valueText } from '../promql/value-text.ts';
import type { Labels } from '../storage/labels.ts';

/** The `data` of an instant query's answer, piece by piece. */
export function instantJson(result: InstantResult, atMs: number): Iterable<string> {
  const at = String(atMs / 1000);
  switch (result.kind) {
    case 'scalar':
      return [`{"resultType":"scalar","result":[${at},"${valueText(result.value)}"]}`];
    case 'string':
      return [`{"resultType":"string","result":[${at},${JSON.stringify(result.text)}]}`];
    case 'vector':
      return listed('vector', result.labels.length, (row) => {
        if (result.has[row] === 0) return undefined;
        const value = valueText(result.values[row] as number);
        return `{"metric":${labelsText(result.labels[row] as Labels)},"value":[${at},"${value}"]}`;
      });
    case 'matrix':
      return matrixJson(result.series);
    default:
      return result satisfies never;
  }
}

/** The `data` of a list of series. */
export function* seriesJson(series: Iterable<{ readonly labels: Labels }>): Generator<string> {
  let before = '[';
  for (const { labels } of series) {
    yield before + labelsText(labels);
    before = ',';
  }
  yield before === '[' ? '[]' : ']';
}

/** The `data` of a range, or of a query over time. */
export function matrixJson(series: readonly SeriesOverTime[]): Iterable<string> {
  return listed('matrix', series.length, (row) => {
    const { labels, times, values } = series[row] as SeriesOverTime;
    let points = '';
    for (let at = 0; at < times.length; at += 1) {
      points += `${at === 0 ? '' : ','}[${(times[at] as number) / 1000},"${valueText(values[at] as number)}"]`;
    }
    return `{"metric":${labelsText(labels)},"values":[${points}]}`;
  });
}

/** `write` says nothing of a row that does not belong to the answer. */
function* listed(type: string, rows: number, write: (row: number) => string | undefined): Generator<string> {
  let before = `{"resultType":"${type}","result":[`;
  for (let row = 0; row < rows; row += 1) {
    const text = write(row);
    if (text === undefined) continue;
    yield before + text;
    before = ',';
  }
  yield before === ',' ? ']}' : `${before}]}`;
}

function labelsText({ names, values }: Labels): string {
  let text = '{';
  for (let at = 0; at < names.length; at += 1) {
    text += `${at === 0 ? '' : ','}"${names[at]}":${JSON.stringify(values[at])}`;
  }
  return `${text}}`;
}

import { CATALOGUE, type MetricEntry } from '../../src/telemetry/catalogue.ts';
import { FUNCTION_SERIES } from '../../src/telemetry/function-series.ts';
import { type NamedSeries, readExpression } from './named-series.ts';

/** What Prometheus itself writes. */
const FOREIGN: Readonly<Record<string, readonly string[]>> = { ALERTS: ['alertname', 'alertstate'], up: [] };
/** What a scrape adds to every series. */
const OF_THE_SCRAPE = ['namespace', 'job', 'instance', 'pod'];

const LABELS = new Map<string, readonly string[]>([
  ...Object.entries(FOREIGN),
  ...FUNCTION_SERIES.map(({ name }) => [name, ['function_id', 'function_version_id', 'verdict', 'reason']] as const),
  ...(CATALOGUE as readonly MetricEntry[]).flatMap(({ name, kind, labels }) =>
    kind === 'histogram'
      ? ([
          [`${name}_bucket`, [...labels, 'le']],
          [`${name}_sum`, labels],
          [`${name}_count`, labels],
        ] as const)
      : ([[name, labels]] as const),
  ),
]);

/** What is wrong with an expression: a series or a label that nobody writes. */
export function strangersIn(expr: string): string[] {
  const { series, groupedBy } = readExpression(expr);
  const unknown = series.flatMap(({ metric, labels }) => {
    const known = LABELS.get(metric);
    if (!known) return [metric];
    return labels
      .filter((label) => !known.includes(label) && !OF_THE_SCRAPE.includes(label))
      .map((label) => `${metric}{${label}}`);
  });
  const carried = new Set(series.flatMap(({ metric }) => LABELS.get(metric) ?? []));
  return [...unknown, ...groupedBy.filter((label) => !carried.has(label) && !OF_THE_SCRAPE.includes(label))];
}

/** The entry of the catalogue, or the series per version, that a series belongs to. */
export function entryOf({ metric }: NamedSeries): string {
  return LABELS.has(metric) ? metric.replace(/_(bucket|sum|count)$/, '') : metric;
}

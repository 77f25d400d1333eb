import { type CollectionResult, DataPointType } from '@opentelemetry/sdk-metrics';

/** A metric with its series, as the exposition format thinks of it. */
export type MetricFamily = { readonly name: string; readonly help: string } & (
  | { readonly kind: 'counter' | 'gauge'; readonly points: readonly NumberPoint[] }
  | { readonly kind: 'histogram'; readonly points: readonly HistogramPoint[] }
);

export type LabelSet = Readonly<Record<string, string>>;

export interface NumberPoint {
  readonly labels: LabelSet;
  readonly value: number;
}

export interface HistogramPoint {
  readonly labels: LabelSet;
  readonly boundaries: readonly number[];
  /** One more than boundaries: the last is what lies beyond all of them. Not cumulative. */
  readonly counts: readonly number[];
  readonly sum: number;
  readonly count: number;
}

export function familiesOf({ resourceMetrics }: CollectionResult): MetricFamily[] {
  const families: MetricFamily[] = [];
  for (const { metrics } of resourceMetrics.scopeMetrics) {
    for (const metric of metrics) {
      const { name, description: help } = metric.descriptor;
      if (metric.dataPointType === DataPointType.HISTOGRAM) {
        const points = metric.dataPoints.map(({ attributes, value }) => ({
          labels: attributes as LabelSet,
          boundaries: value.buckets.boundaries,
          counts: value.buckets.counts,
          sum: value.sum ?? 0,
          count: value.count,
        }));
        families.push({ name, kind: 'histogram', help, points });
      } else if (metric.dataPointType !== DataPointType.EXPONENTIAL_HISTOGRAM) {
        const points = metric.dataPoints.map(({ attributes, value }) => ({ labels: attributes as LabelSet, value }));
        families.push({ name, kind: metric.dataPointType === DataPointType.SUM ? 'counter' : 'gauge', help, points });
      }
    }
  }
  return families.sort((a, b) => (a.name < b.name ? -1 : 1));
}

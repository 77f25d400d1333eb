import type { HistogramPoint, LabelSet, MetricFamily, NumberPoint } from './metric-family.ts';

/**
 * The names that NVIDIA Cloud Functions' autoscaler gives to the same facts, as Prometheus sees them (dots become
 * underscores). Its queue metrics and its table state have no counterpart here and are left out rather than faked.
 */
interface Alias {
  readonly name: string;
  readonly of: string;
  /** Keeps a series and names its labels, or leaves it out. */
  readonly labels: (labels: LabelSet) => LabelSet | undefined;
  readonly as: 'same' | 'milliseconds' | 'count';
}

const same = (labels: LabelSet) => labels;
const none = () => ({});
const only =
  (name: string, value: string, rest: LabelSet = {}) =>
  (labels: LabelSet) =>
    labels[name] === value ? rest : undefined;

const COMPONENTS: LabelSet = { store: 'cassandra_client', timeseries: 'timeseries_db_client' };

export const PEER_ALIASES: readonly Alias[] = [
  alias('function_discovery_duration_seconds', 'starling_loop_duration_seconds', only('loop', 'discover')),
  alias('timeseries_db_requests_total', 'starling_timeseries_request_seconds', statusOf, 'count'),
  alias('timeseries_db_request_duration_milliseconds', 'starling_timeseries_request_seconds', statusOf, 'milliseconds'),
  alias('timeseries_db_auth_failure_total', 'starling_auth_failures_total', only('dependency', 'timeseries')),
  alias('timeseries_db_server_side_failure_total', 'starling_timeseries_errors_total', none),
  alias(
    'nvcf_api_request_duration_milliseconds',
    'starling_control_plane_request_seconds',
    (labels) => ({ endpoint: labels['call'] ?? '', ...statusOf(labels) }),
    'milliseconds',
  ),
  alias('cassandra_health_status', 'starling_dependency_up', only('dependency', 'store')),
  alias('health_component_status', 'starling_dependency_up', (labels) => ({
    component: COMPONENTS[labels['dependency'] ?? ''] ?? labels['dependency'] ?? '',
  })),
  alias('distributed_lock', 'starling_duty_held', (labels) => ({ lock_name: labels['duty'] ?? '' })),
  alias('processing_utilization_data_age_milliseconds', 'starling_sample_age_seconds', same, 'milliseconds'),
  alias('requests_queued_total', 'starling_claims_total', none),
  alias('requests_processed_total', 'starling_actuations_total', only('outcome', 'applied')),
];

/** The same numbers once more, under the names that boards of the peer ask for. */
export function peerFamilies(families: readonly MetricFamily[]): MetricFamily[] {
  const byName = new Map(families.map((family) => [family.name, family]));
  return PEER_ALIASES.flatMap((each) => {
    const family = byName.get(each.of);
    return family ? [rename(family, each)] : [];
  });
}

function rename(family: MetricFamily, { name, of, labels, as }: Alias): MetricFamily {
  const help = `As ${of}.`;
  if (family.kind !== 'histogram') {
    return { name, kind: family.kind, help, points: relabel(family.points, labels, addNumbers) };
  }
  if (as === 'count') {
    const counts = family.points.map((point) => ({ labels: point.labels, value: point.count }));
    return { name, kind: 'counter', help, points: relabel(counts, labels, addNumbers) };
  }
  const points = relabel(family.points, labels, addHistograms);
  return { name, kind: 'histogram', help, points: as === 'milliseconds' ? points.map(inMilliseconds) : points };
}

/** Dropping a label makes several series one. */
function relabel<Point extends { readonly labels: LabelSet }>(
  points: readonly Point[],
  labels: Alias['labels'],
  add: (a: Point, b: Point) => Point,
): Point[] {
  const merged = new Map<string, Point>();
  for (const point of points) {
    const kept = labels(point.labels);
    if (!kept) continue;
    const key = JSON.stringify(kept);
    const before = merged.get(key);
    merged.set(key, before ? add(before, point) : { ...point, labels: kept });
  }
  return [...merged.values()];
}

function addNumbers(a: NumberPoint, b: NumberPoint): NumberPoint {
  return { ...a, value: a.value + b.value };
}

function addHistograms(a: HistogramPoint, b: HistogramPoint): HistogramPoint {
  return {
    ...a,
    counts: a.counts.map((count, index) => count + (b.counts[index] ?? 0)),
    sum: a.sum + b.sum,
    count: a.count + b.count,
  };
}

function inMilliseconds(point: HistogramPoint): HistogramPoint {
  // Rounded, because 0.005 s in binary is not exactly 5 ms.
  const toMs = (seconds: number) => Math.round(seconds * 1e9) / 1e6;
  return { ...point, boundaries: point.boundaries.map(toMs), sum: point.sum * 1000 };
}

function statusOf(labels: LabelSet): LabelSet {
  return { status: labels['outcome'] ?? '' };
}

function alias(name: string, of: string, labels: Alias['labels'], as: Alias['as'] = 'same'): Alias {
  return { name: `nvcf_autoscaler_${name}`, of, labels, as };
}

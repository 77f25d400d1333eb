import { header, labelValue, numberText } from './prometheus-text.ts';

/** What is known of one function version, for its own series. */
export interface FunctionPoint {
  readonly functionId: string;
  readonly versionId: string;
  readonly wanted: number | undefined;
  readonly actual: number | undefined;
  readonly instancesMin: number | undefined;
  readonly instancesMax: number | undefined;
  /** In per cent. */
  readonly utilisation: number | undefined;
  readonly isPaused: boolean;
  /** Of the last decision; undefined before the first. */
  readonly decision: { readonly verdict: string; readonly reason: string } | undefined;
  /** Higher is shown first where not all are shown: when it last changed, for instance. */
  readonly activity: number;
}

export type FunctionSeriesProvider = () => Iterable<FunctionPoint>;

export interface FunctionSeriesOptions {
  readonly mode: 'off' | 'capped' | 'all';
  readonly limit: number;
  readonly withPeerNames: boolean;
}

interface Series {
  readonly name: string;
  readonly help: string;
  readonly value: (point: FunctionPoint) => number | undefined;
  /** Beside the identity, from closed lists. */
  readonly labels?: (point: FunctionPoint) => Readonly<Record<string, string>>;
}

export const FUNCTION_SERIES: readonly Series[] = [
  { name: 'starling_function_wanted_instances', help: 'Instances wanted.', value: (point) => point.wanted },
  { name: 'starling_function_actual_instances', help: 'Instances seen running.', value: (point) => point.actual },
  { name: 'starling_function_min_instances', help: 'Lower bound.', value: (point) => point.instancesMin },
  { name: 'starling_function_max_instances', help: 'Upper bound.', value: (point) => point.instancesMax },
  {
    name: 'starling_function_utilisation_ratio',
    help: 'Share of capacity in use, as the last decision saw it.',
    value: (point) => (point.utilisation === undefined ? undefined : point.utilisation / 100),
  },
  {
    name: 'starling_function_paused',
    help: '1 while a person has paused it.',
    value: (point) => (point.isPaused ? 1 : 0),
  },
  {
    name: 'starling_function_decision_info',
    help: 'Always 1: the verdict of the last decision and its first reason, as labels.',
    value: (point) => (point.decision ? 1 : undefined),
    labels: (point) => ({ ...point.decision }),
  },
];

export const PEER_FUNCTION_SERIES: readonly Series[] = [
  {
    name: 'nvcf_autoscaler_scaling_current_instances',
    help: 'As starling_function_actual_instances.',
    value: (point) => point.actual,
  },
  {
    name: 'nvcf_autoscaler_scaling_desired_instances',
    help: 'As starling_function_wanted_instances.',
    value: (point) => point.wanted,
  },
  {
    name: 'nvcf_autoscaler_scaling_utilization',
    help: 'As starling_function_utilisation_ratio, in per cent.',
    value: (point) => point.utilisation,
  },
];

/** How many points are written before the event loop gets its turn: a few milliseconds of work. */
const CHUNK = 1000;

export interface FunctionSection {
  readonly text: string;
  readonly shown: number;
  readonly hidden: number;
  /** Over all versions, shown or not. */
  readonly wanted: number;
  readonly actual: number;
}

/**
 * Series per function version, written straight from what is known. Going through the SDK would cost a quarter of a
 * second of blocked event loop at 20,000 series, and lose everything past its limit without a word.
 */
export async function writeFunctionSeries(
  provider: FunctionSeriesProvider,
  options: FunctionSeriesOptions,
): Promise<FunctionSection> {
  const all = [...provider()];
  const chosen = choose(all, options);
  const series = options.withPeerNames ? [...FUNCTION_SERIES, ...PEER_FUNCTION_SERIES] : FUNCTION_SERIES;
  const chunks: string[] = [];
  let sinceYield = 0;
  for (const each of series) {
    let isHeaded = false;
    for (const point of chosen) {
      const value = each.value(point);
      if (value !== undefined) {
        if (!isHeaded) chunks.push(header({ ...each, kind: 'gauge' }));
        isHeaded = true;
        chunks.push(`${each.name}${labelsOf(point, each.labels?.(point))} ${numberText(value)}\n`);
      }
      sinceYield += 1;
      if (sinceYield % CHUNK === 0) await new Promise((resolve) => setImmediate(resolve));
    }
  }
  return {
    text: chunks.join(''),
    shown: chosen.length,
    hidden: all.length - chosen.length,
    wanted: total(all, (point) => point.wanted),
    actual: total(all, (point) => point.actual),
  };
}

function choose(all: readonly FunctionPoint[], { mode, limit }: FunctionSeriesOptions): readonly FunctionPoint[] {
  if (mode === 'off') return [];
  if (mode === 'all' || all.length <= limit) return all;
  return all.toSorted((a, b) => b.activity - a.activity).slice(0, limit);
}

function total(points: readonly FunctionPoint[], count: (point: FunctionPoint) => number | undefined): number {
  return points.reduce((sum, point) => sum + (count(point) ?? 0), 0);
}

function labelsOf({ functionId, versionId }: FunctionPoint, more: Readonly<Record<string, string>> = {}): string {
  const further = Object.entries(more).map(([name, value]) => `,${name}="${labelValue(value)}"`);
  return `{function_id="${labelValue(functionId)}",function_version_id="${labelValue(versionId)}"${further.join('')}}`;
}

import { useMemo, useState } from 'preact/hooks';
import type { Entry } from '../api/shapes.ts';
import { useMedia } from '../state/hooks.ts';
import {
  alignColumns,
  type ChartSeries,
  chartWindow,
  hasOlder,
  nearestMarker,
  type Point,
} from '../view/chart-series.ts';
import { formatClock, formatValue } from '../view/format.ts';
import { Note } from './notes.tsx';
import { type ChartLine, type ChartMark, TimeChart } from './time-chart.tsx';

const COUNT_LINES: readonly ChartLine[] = [
  { name: 'Actual', colour: '--actual', isStep: true, isFilled: true },
  { name: 'Wanted', colour: '--wanted', isStep: true },
];
const UTILISATION_LINES: readonly ChartLine[] = [{ name: 'Utilisation', colour: '--utilisation' }];
const DEMAND_LINES: readonly ChartLine[] = [
  { name: 'Demand', colour: '--demand', isFilled: true },
  { name: 'Carried at target', colour: '--wanted', isStep: true, isDashed: true },
];

const SPANS = [
  ['10 min', 600],
  ['1 h', 3600],
  ['6 h', 21_600],
] as const;
const PICK_WITHIN_PX = 14;

/** Three panels over one time axis: how many, how busy, how much is asked for; and what was decided when. */
export function VersionCharts(props: {
  series: ChartSeries;
  nowMs: number;
  chosen: Entry | undefined;
  onChoose: (entry: Entry) => void;
}) {
  const { series, chosen } = props;
  const [span, setSpan] = useState<number>(600);
  const [hover, setHover] = useState<number>();
  const isNarrow = useMedia('(max-width: 760px)');
  const nowSeconds = props.nowMs / 1000;

  const counts = useMemo(() => alignColumns([series.actual, series.wanted], { carry: true }), [series]);
  const utilisation = useMemo(() => alignColumns([series.utilisation]), [series]);
  const demand = useMemo(() => {
    // The step line is drawn with the times of the samples beside it: it holds its value between them.
    const [times, loads = [], capacities = []] = alignColumns([series.demand, series.capacity]);
    return [times, loads, carried(capacities)];
  }, [series]);
  const marks = useMemo(
    () =>
      series.markers.map(
        ({ atSeconds, entry }): ChartMark => ({
          atSeconds,
          colour: `--${entry.verdict}`,
          isUp: entry.verdict === 'raise' ? true : entry.verdict === 'lower' ? false : undefined,
          isChosen: entry === chosen,
        }),
      ),
    [series, chosen],
  );
  if (series.fromSeconds === undefined) {
    return (
      <Note title="Nothing to draw yet">
        Neither this member nor the ledger has samples or decisions of this version. The first evaluation brings them.
      </Note>
    );
  }
  const firstSeconds = series.fromSeconds;
  const { from, to } = chartWindow({ spanSeconds: span, firstSeconds, nowSeconds });
  // A longer span that shows no more than the one before it is no choice.
  const spans = SPANS.filter(([, seconds], index) => {
    const thanSeconds = SPANS[index - 1]?.[1] ?? 0;
    return seconds === span || thanSeconds === 0 || hasOlder({ thanSeconds, firstSeconds, nowSeconds });
  });
  const pick = (atSeconds: number, perPixel: number) => {
    const marker = nearestMarker(series.markers, atSeconds, perPixel * PICK_WITHIN_PX);
    if (marker) props.onChoose(marker.entry);
  };
  const common = { from, to, onHover: setHover, onPick: pick };
  const hasDemand = series.demand.length > 0;
  const hasUtilisation = series.utilisation.length > 0 || !hasDemand;
  const at = hover ?? to;
  return (
    <section class="panel charts" aria-label="Over time">
      <div class="charts-head">
        <p class="legend" aria-live="off">
          <span class="legend-time">{hover === undefined ? 'last' : formatClock(hover * 1000)}</span>
          <Key colour="wanted" name="Wanted" value={lastAt(series.wanted, at)} />
          <Key colour="actual" name="Actual" value={lastAt(series.actual, at)} />
          {hasUtilisation && (
            <Key colour="utilisation" name="Utilisation" value={lastAt(series.utilisation, at)} unit=" %" />
          )}
          {hasDemand && <Key colour="demand" name="Demand" value={lastAt(series.demand, at)} />}
        </p>
        {spans.length > 1 && (
          <fieldset class="spans">
            <legend class="unseen">Span</legend>
            {spans.map(([name, seconds]) => (
              <button
                key={seconds}
                type="button"
                class="filter"
                aria-pressed={span === seconds}
                onClick={() => setSpan(seconds)}
              >
                {name}
              </button>
            ))}
          </fieldset>
        )}
      </div>
      <h3 class="panel-name">Instances</h3>
      <TimeChart
        {...common}
        label={`Instances over time: ${formatValue(lastAt(series.wanted, to))} wanted, ${formatValue(lastAt(series.actual, to))} actual. ${series.markers.length} decisions are marked; they are listed below.`}
        lines={COUNT_LINES}
        data={counts}
        levels={boundLevels(series)}
        marks={marks}
        height={isNarrow ? 140 : 150}
        showsTime={!hasUtilisation && !hasDemand}
      />
      {hasUtilisation && (
        <>
          <h3 class="panel-name">Utilisation, %</h3>
          <TimeChart
            {...common}
            label={`Utilisation over time, now ${formatValue(lastAt(series.utilisation, to), ' %')}.`}
            lines={UTILISATION_LINES}
            data={utilisation}
            levels={series.thresholds.map(({ value, name }) => ({ value, name, colour: '--threshold' }))}
            leftMax={
              series.thresholds.length > 0 ? Math.max(...series.thresholds.map(({ value }) => value)) * 1.1 : undefined
            }
            height={isNarrow ? 90 : 100}
            showsTime={!hasDemand}
          />
        </>
      )}
      {hasDemand && (
        <>
          <h3 class="panel-name">
            Demand, calls
            {series.capacity.length > 0 && (
              <span class="panel-note"> · dashed: what is wanted carries this much at target</span>
            )}
          </h3>
          <TimeChart
            {...common}
            label={`Demand over time, now ${formatValue(lastAt(series.demand, to))} calls.`}
            lines={DEMAND_LINES}
            data={demand}
            height={isNarrow ? 116 : 126}
            showsTime
          />
        </>
      )}
    </section>
  );
}

function Key(props: { colour: string; name: string; value: number | null | undefined; unit?: string }) {
  return (
    <span class="key">
      <span class="key-line" style={{ background: `var(--${props.colour})` }} aria-hidden="true" />
      {props.name} <strong>{formatValue(props.value, props.unit)}</strong>
    </span>
  );
}

function boundLevels({ bounds, wanted, actual }: ChartSeries) {
  if (!bounds) return [];
  const highest = Math.max(1, ...wanted.map(([, value]) => value ?? 0), ...actual.map(([, value]) => value ?? 0));
  return [
    ...(bounds.min > 0 ? [{ value: bounds.min, name: `min ${bounds.min}`, colour: '--bound' }] : []),
    // A ceiling far above what is used would press the lines to the ground.
    ...(bounds.max <= highest * 2 ? [{ value: bounds.max, name: `max ${bounds.max}`, colour: '--bound' }] : []),
  ];
}

function lastAt(points: readonly Point[], atSeconds: number): number | null | undefined {
  return points.findLast(([at]) => at <= atSeconds)?.[1];
}

function carried(values: readonly (number | null | undefined)[]): (number | null | undefined)[] {
  let last: number | null | undefined;
  return values.map((value) => {
    last = value === undefined ? last : value;
    return last;
  });
}

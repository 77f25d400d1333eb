import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import { useCell } from '../state/hooks.ts';
import { painted } from '../state/theme.ts';

export interface ChartLine {
  readonly name: string;
  /** A colour of the style sheet: `--wanted`. */
  readonly colour: string;
  readonly isStep?: boolean;
  readonly isFilled?: boolean;
  readonly isDashed?: boolean;
}

export interface Level {
  readonly value: number;
  readonly name: string;
  readonly colour: string;
}

export interface ChartMark {
  readonly atSeconds: number;
  readonly colour: string;
  readonly isUp: boolean | undefined;
  readonly isChosen: boolean;
}

export interface TimeChartProps {
  readonly label: string;
  readonly lines: readonly ChartLine[];
  readonly data: readonly (readonly (number | null | undefined)[])[];
  readonly levels?: readonly Level[];
  readonly marks?: readonly ChartMark[];
  readonly from: number;
  readonly to: number;
  readonly height: number;
  readonly leftMax?: number | undefined;
  readonly showsTime: boolean;
  readonly onHover: (atSeconds: number | undefined) => void;
  readonly onPick?: (atSeconds: number, perPixel: number) => void;
}

const SYNC = 'starling';
const SIDE = 46;
/** Room for half of a time with its seconds below the last line. */
const EDGE = 30;

/** One panel of several that share a time axis and a cursor. */
export function TimeChart(props: TimeChartProps) {
  const place = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot>(null);
  const latest = useRef(props);
  latest.current = props;
  const paint = useCell(painted);
  const shape = JSON.stringify([props.lines, props.height, props.showsTime]);

  useEffect(() => {
    const element = place.current;
    if (!element) return;
    const made = new uPlot(optionsOf(element, latest), dataOf(latest.current), element);
    chart.current = made;
    const watcher = new ResizeObserver(() => {
      if (element.clientWidth > 0) made.setSize({ width: element.clientWidth, height: latest.current.height });
    });
    watcher.observe(element);
    return () => {
      watcher.disconnect();
      made.destroy();
      chart.current = null;
    };
  }, [shape, paint]);

  useEffect(() => {
    chart.current?.setData(dataOf(props), false);
    chart.current?.setScale('x', { min: props.from, max: props.to });
  }, [props.data, props.from, props.to, props.levels, props.marks, props.leftMax]);

  return <div class="chart" ref={place} role="img" aria-label={props.label} />;
}

function dataOf({ data }: TimeChartProps): uPlot.AlignedData {
  return data as uPlot.AlignedData;
}

function optionsOf(element: HTMLElement, latest: { current: TimeChartProps }): uPlot.Options {
  const style = getComputedStyle(element);
  const colour = (name: string) => style.getPropertyValue(name).trim();
  const { lines, height, showsTime } = latest.current;
  const font = `11px ${style.fontFamily}`;
  const grid = { stroke: colour('--grid'), width: 1 };
  const axis = { stroke: colour('--muted'), font, grid, ticks: { show: false }, size: SIDE };
  return {
    width: Math.max(200, element.clientWidth),
    height,
    padding: [10, EDGE, 0, 0],
    legend: { show: false },
    cursor: {
      sync: { key: SYNC, setSeries: false },
      drag: { x: false, y: false },
      points: { show: false },
      y: false,
    },
    scales: {
      x: { time: true, range: () => [latest.current.from, latest.current.to] },
      left: { range: (_, __, max) => [0, rounded(Math.max(max ?? 0, latest.current.leftMax ?? 0))] },
    },
    axes: [
      { ...axis, size: showsTime ? 26 : 4, space: 90, values: showsTime ? clockValues : () => [] },
      { ...axis, scale: 'left', incrs: INCREMENTS },
    ],
    series: [
      {},
      ...lines.map((line) => ({
        label: line.name,
        scale: 'left',
        stroke: colour(line.colour),
        width: line.isDashed ? 1 : 1.75,
        points: { show: false },
        ...(line.isDashed && { dash: [4, 4] }),
        ...(line.isFilled && { fill: colour(`${line.colour}-fill`) }),
        ...(line.isStep && uPlot.paths.stepped && { paths: uPlot.paths.stepped({ align: 1 }) }),
      })),
    ],
    hooks: {
      drawAxes: [(made) => drawLevels(made, latest.current.levels ?? [], { colour, font })],
      draw: [(made) => drawMarks(made, latest.current.marks ?? [], colour)],
      setCursor: [
        (made) => {
          const { left } = made.cursor;
          latest.current.onHover(left === undefined || left < 0 ? undefined : made.posToVal(left, 'x'));
        },
      ],
      ready: [
        (made) => {
          made.over.addEventListener('click', (event) => {
            const { from, to, onPick } = latest.current;
            const left = event.clientX - made.over.getBoundingClientRect().left;
            onPick?.(made.posToVal(left, 'x'), (to - from) / made.over.clientWidth);
          });
        },
      ],
    },
  };
}

const INCREMENTS = [1, 2, 5, 10, 20, 25, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 100_000];

function rounded(max: number): number {
  return max <= 0 ? 1 : max < 5 ? Math.ceil(max + 0.5) : max * 1.12;
}

function clockValues(_: uPlot, splits: number[]): string[] {
  const isFine = splits.length > 1 && (splits[1] ?? 0) - (splits[0] ?? 0) < 60;
  return splits.map((seconds) => {
    const date = new Date(seconds * 1000);
    return date.toLocaleTimeString('en-GB', {
      hour: '2-digit',
      minute: '2-digit',
      ...(isFine && { second: '2-digit' }),
    });
  });
}

function drawLevels(
  made: uPlot,
  levels: readonly Level[],
  { colour, font }: { colour: (name: string) => string; font: string },
): void {
  const { ctx, bbox } = made;
  const ratio = devicePixelRatio;
  ctx.save();
  for (const { value, name, colour: line } of levels) {
    const y = Math.round(made.valToPos(value, 'left', true));
    if (y < bbox.top || y > bbox.top + bbox.height) continue;
    ctx.strokeStyle = colour(line);
    ctx.fillStyle = colour(line);
    ctx.lineWidth = ratio;
    ctx.setLineDash([2 * ratio, 4 * ratio]);
    ctx.beginPath();
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(bbox.left + bbox.width, y);
    ctx.stroke();
    ctx.font = font.replace('11px', `${11 * ratio}px`);
    ctx.textAlign = 'left';
    ctx.textBaseline = 'bottom';
    ctx.fillText(name, bbox.left + 6 * ratio, y - 2 * ratio);
  }
  ctx.restore();
}

/** Up and down where something was decided, a ring where no answer was possible; the one that is explained is tall. */
function drawMarks(made: uPlot, marks: readonly ChartMark[], colour: (name: string) => string): void {
  const { ctx, bbox } = made;
  const ratio = devicePixelRatio;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left - 8 * ratio, 0, bbox.width + 16 * ratio, bbox.top + bbox.height);
  ctx.clip();
  for (const { atSeconds, colour: tone, isUp, isChosen } of marks) {
    const x = made.valToPos(atSeconds, 'x', true);
    const y = bbox.top + bbox.height - 7 * ratio;
    const size = 5 * ratio;
    ctx.strokeStyle = colour(tone);
    ctx.fillStyle = colour(tone);
    ctx.lineWidth = (isChosen ? 1.5 : 1) * ratio;
    if (isChosen) {
      ctx.beginPath();
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, y - size);
      ctx.stroke();
    }
    ctx.beginPath();
    if (isUp === undefined) {
      ctx.arc(x, y, size * 0.7, 0, 2 * Math.PI);
      ctx.stroke();
      continue;
    }
    const tip = isUp ? -size : size;
    ctx.moveTo(x, y + tip);
    ctx.lineTo(x - size, y - tip * 0.8);
    ctx.lineTo(x + size, y - tip * 0.8);
    ctx.closePath();
    ctx.fill();
  }
  ctx.restore();
}

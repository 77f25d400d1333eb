import type { BoardPanel, BoardRow } from '../../observing/board-panels.ts';
import type { AnsweredPanel, Line } from './answers.ts';
import type { Moment } from './real-run.ts';

const COLORS = [
  '#2f7ed8',
  '#d9822b',
  '#3a9e5c',
  '#b0413e',
  '#7d5ba6',
  '#8c6d46',
  '#c45a9a',
  '#6b7280',
  '#a3a83a',
  '#2aa5b8',
];
const STATE_COLORS: Readonly<Record<string, string>> = { red: '#d64545', green: '#3a9e5c', gray: '#d5dbe1' };
const COLUMN = 58;
const UNIT_HEIGHT = 30;
const GAP = 6;
const WIDTH = 24 * COLUMN;
const HEADER = 22;
const LEGEND_LINE = 13;
const AXIS = 46;
/** A little longer than the distance of two answers. */
const STEP_MS = 2_100;

interface Story {
  readonly title: string;
  readonly rows: readonly BoardRow[];
  readonly panels: readonly AnsweredPanel[];
  readonly beginMs: number;
  readonly endMs: number;
  readonly moments: readonly Moment[];
}

/** A page with the panels of a board where Grafana would put them, and what happened as upright lines. */
export function boardPage({ title, rows, panels, beginMs, endMs, moments }: Story): string {
  const height = Math.max(...panels.map(({ panel: { at } }) => at.y + at.h)) * UNIT_HEIGHT;
  const heads = rows.map(
    ({ title: row, y }) =>
      `<text x="2" y="${(y + 1) * UNIT_HEIGHT - 9}" font-size="14" font-weight="bold" fill="#52606d">${escapeText(row)}</text>`,
  );
  const drawn = [...heads, ...panels.map((answered) => drawPanel(answered, { beginMs, endMs, moments }))].join('');
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>${escapeText(title)}</title>
<style>body{margin:12px;background:#fff;font:11px/1.3 sans-serif;color:#1f2933}h1{font-size:16px;margin:0 0 8px}</style>
<h1>${escapeText(title)}</h1>
<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" font-family="sans-serif" font-size="10" shape-rendering="geometricPrecision">${drawn}</svg></html>`;
}

interface Frame {
  readonly beginMs: number;
  readonly endMs: number;
  readonly moments: readonly Moment[];
}

function drawPanel({ panel, lines }: AnsweredPanel, frame: Frame): string {
  const { at, title, type, unit, noValue } = panel;
  const [width, height] = [at.w * COLUMN - GAP, at.h * UNIT_HEIGHT - GAP];
  const body = lines.length === 0 ? middle(noValue, width, height, 13) : drawBody();
  return `<g class="panel" transform="translate(${at.x * COLUMN},${at.y * UNIT_HEIGHT})">
<rect width="${width}" height="${height}" fill="#fbfcfd" stroke="#d5dbe1"/>
<text x="8" y="15" font-weight="bold">${escapeText(title)}</text>${body}</g>`;

  function drawBody(): string {
    switch (type) {
      case 'timeseries':
        return drawLines(lines, { ...frame, width, height, unit });
      case 'state-timeline':
        return drawStates(lines, { ...frame, width, height, colors: panel.colors });
      case 'bargauge':
        return drawBars(lines, { width, height });
      case 'table':
        return drawTable(lines);
      default:
        return middle(statText(lines, panel), width, height, 20);
    }
  }
}

function statText(lines: readonly Line[], { unit, words }: BoardPanel): string {
  return lines
    .map(({ name, values }) => {
      const value = values.at(-1) ?? 0;
      if (name.includes(': ')) return name;
      const text = words[value] ?? withUnit(value, unit);
      return lines.length > 1 ? `${name} ${text}` : text;
    })
    .join(', ');
}

interface Area extends Frame {
  readonly width: number;
  readonly height: number;
}

function drawLines(lines: readonly Line[], area: Area & { unit: string }): string {
  const { width, height, unit, beginMs, endMs } = area;
  const rows = legendRows(lines, width);
  const bottom = height - 16 - rows.length * LEGEND_LINE;
  const all = lines.flatMap(({ values }) => values);
  const low = Math.min(0, ...all);
  const high = Math.max(...all) || 1;
  const x = (ms: number) => AXIS + ((ms - beginMs) / (endMs - beginMs)) * (width - AXIS - 8);
  const y = (value: number) => bottom - ((value - low) / (high - low || 1)) * (bottom - HEADER - 6);
  const grid = [low, (low + high) / 2, high]
    .map(
      (value) =>
        `<line x1="${AXIS}" x2="${width - 8}" y1="${y(value)}" y2="${y(value)}" stroke="#e6eaee"/><text x="${AXIS - 4}" y="${y(value) + 3}" text-anchor="end" fill="#66727e">${withUnit(value, unit)}</text>`,
    )
    .join('');
  const paths = lines
    .map((line, index) => `<path d="${pathOf(line, x, y)}" fill="none" stroke="${colorOf(index)}" stroke-width="1.4"/>`)
    .join('');
  const legend = rows
    .flatMap((row, rowIndex) =>
      row.map(
        ({ text, left, index }) =>
          `<rect x="${left}" y="${bottom + 15 + rowIndex * LEGEND_LINE}" width="8" height="3" fill="${colorOf(index)}"/><text x="${left + 11}" y="${bottom + 20 + rowIndex * LEGEND_LINE}" fill="#3e4c59">${escapeText(text)}</text>`,
      ),
    )
    .join('');
  return `${grid}${drawMoments(area, x, bottom)}${paths}${legend}`;
}

/** A gap of more than some steps stays a gap. */
function pathOf({ timesMs, values }: Line, x: (ms: number) => number, y: (value: number) => number): string {
  return timesMs
    .map((ms, index) => {
      const isNew = index === 0 || ms - (timesMs[index - 1] ?? ms) > 5_000;
      return `${isNew ? 'M' : 'L'}${x(ms).toFixed(1)},${y(values[index] ?? 0).toFixed(1)}`;
    })
    .join('');
}

function drawStates(lines: readonly Line[], area: Area & { colors: readonly string[] }): string {
  const { width, height, beginMs, endMs, colors } = area;
  const left = 190;
  const x = (ms: number) => left + ((ms - beginMs) / (endMs - beginMs)) * (width - left - 8);
  const rowHeight = Math.min(24, (height - HEADER - 20) / lines.length);
  const rows = lines.map(({ name, timesMs, values }, row) => {
    const top = HEADER + 8 + row * rowHeight;
    const cells = spansOf({ timesMs, isZero: values.map((value) => value === 0) }).map((span) => {
      const color = STATE_COLORS[(span.isZero ? colors[0] : colors.at(-1)) ?? ''];
      const [from, to] = [x(span.fromMs), x(Math.min(endMs, span.toMs))];
      return `<rect x="${from.toFixed(1)}" y="${top}" width="${(to - from).toFixed(1)}" height="${rowHeight - 3}" fill="${color}"/>`;
    });
    return `<text x="${left - 6}" y="${top + rowHeight / 2 + 2}" text-anchor="end">${escapeText(name)}</text>${cells.join('')}`;
  });
  return `${rows.join('')}${drawMoments(area, x, height - 8)}`;
}

/** Answers in a row that say the same are one span; each holds until the next is due. */
function spansOf({ timesMs, isZero }: { timesMs: readonly number[]; isZero: readonly boolean[] }) {
  const spans: { fromMs: number; toMs: number; isZero: boolean }[] = [];
  for (const [index, ms] of timesMs.entries()) {
    const last = spans.at(-1);
    const state = isZero[index] ?? false;
    if (last && last.isZero === state && ms <= last.toMs) last.toMs = ms + STEP_MS;
    else spans.push({ fromMs: ms, toMs: ms + STEP_MS, isZero: state });
  }
  return spans;
}

function drawMoments({ moments }: Frame, x: (ms: number) => number, bottom: number): string {
  return moments
    .map(
      ({ atMs }, index) =>
        `<line x1="${x(atMs)}" x2="${x(atMs)}" y1="${HEADER}" y2="${bottom}" stroke="#9aa5b1" stroke-dasharray="3 3"/><text x="${x(atMs) + 2}" y="${bottom + 9}" fill="#7b8794" font-size="8">${index + 1}</text>`,
    )
    .join('');
}

function drawBars(lines: readonly Line[], { width, height }: { width: number; height: number }): string {
  const most = Math.max(...lines.map(({ values }) => values.at(-1) ?? 0), 1);
  const rowHeight = (height - HEADER - 10) / lines.length;
  return lines
    .map(({ name, values }, row) => {
      const value = values.at(-1) ?? 0;
      const top = HEADER + 4 + row * rowHeight;
      return `<text x="8" y="${top + rowHeight / 2 + 3}">${escapeText(name)}</text><rect x="110" y="${top + 2}" width="${(value / most) * (width - 160)}" height="${rowHeight - 4}" fill="#2f7ed8"/><text x="${116 + (value / most) * (width - 160)}" y="${top + rowHeight / 2 + 3}">${value}</text>`;
    })
    .join('');
}

/** Joins the answers by instance, as the panel tells Grafana to. */
function drawTable(lines: readonly Line[]): string {
  const columns = ['instance', 'member', 'version', 'node', 'hash'];
  const rows = new Map<string, Record<string, string>>();
  for (const { labels } of lines) {
    const key = labels['instance'] ?? '';
    rows.set(key, { ...rows.get(key), ...labels });
  }
  const cells = [Object.fromEntries(columns.map((name) => [name, name])), ...rows.values()];
  return cells
    .flatMap((row, index) =>
      columns.map(
        (name, column) =>
          `<text x="${10 + column * 260}" y="${HEADER + 16 + index * 20}"${index === 0 ? ' fill="#66727e"' : ''}>${escapeText(row[name] ?? '')}</text>`,
      ),
    )
    .join('');
}

function legendRows(lines: readonly Line[], width: number): { text: string; left: number; index: number }[][] {
  const rows: { text: string; left: number; index: number }[][] = [[]];
  let left = 8;
  for (const [index, { name }] of lines.entries()) {
    const wide = 22 + name.length * 5.2;
    if (left + wide > width && left > 8) {
      rows.push([]);
      left = 8;
    }
    rows.at(-1)?.push({ text: name, left, index });
    left += wide;
  }
  return rows;
}

function withUnit(value: number, unit: string): string {
  switch (unit) {
    case 's':
      return Math.abs(value) < 1 && value !== 0 ? `${Number((value * 1000).toPrecision(3))} ms` : `${shorten(value)} s`;
    case 'bytes':
      return value >= 2 ** 20 ? `${Math.round(value / 2 ** 20)} MiB` : `${Math.round(value / 1024)} KiB`;
    case 'percentunit':
      return `${Number((value * 100).toPrecision(3))} %`;
    case 'ops':
      return `${shorten(value)}/s`;
    default:
      return shorten(value);
  }
}

function shorten(value: number): string {
  return String(Number(value.toPrecision(3)));
}

function middle(text: string, width: number, height: number, size: number): string {
  return `<text class="value" x="${width / 2}" y="${height / 2 + 10}" text-anchor="middle" font-size="${size}" fill="#3e4c59">${escapeText(text)}</text>`;
}

function colorOf(index: number): string {
  return COLORS[index % COLORS.length] ?? '';
}

function escapeText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

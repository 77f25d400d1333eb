import { printableLine } from '../lib/printable.ts';

export interface Column<Row> {
  readonly title: string;
  readonly cell: (row: Row) => string;
  readonly align?: 'right';
  /** Longer cells are cut, with a sign that they were. */
  readonly widthMax?: number;
}

/** Aligned lines, the titles first. Cells stay within their line, also with line breaks in them. */
export function textTable<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string[] {
  const cells = [
    columns.map(({ title }) => title),
    ...rows.map((row) => columns.map(({ cell, widthMax }) => cut(printableLine(cell(row)), widthMax))),
  ];
  const widths = columns.map((_, index) => Math.max(...cells.map((line) => line[index]?.length ?? 0)));
  return cells.map((line) =>
    line
      .map((cell, index) => {
        const width = widths[index] ?? 0;
        return columns[index]?.align === 'right' ? cell.padStart(width) : cell.padEnd(width);
      })
      .join('  ')
      .trimEnd(),
  );
}

export function cut(text: string, widthMax = Number.POSITIVE_INFINITY): string {
  return text.length <= widthMax ? text : `${text.slice(0, widthMax - 1)}…`;
}

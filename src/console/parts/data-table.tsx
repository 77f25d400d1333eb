import type { ComponentChildren } from 'preact';

export interface Column<Row> {
  readonly name: string;
  readonly cell: (row: Row) => ComponentChildren;
  readonly isNumber?: boolean;
  /** Left out where there is no room for it. */
  readonly isWide?: boolean;
  readonly hint?: (row: Row) => string | undefined;
}

/** A short table. Where it is narrow every row becomes a card: its first cell above, the others below with their names. */
export function DataTable<Row>(props: {
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  readonly keyOf: (row: Row) => string;
  readonly rowClass?: (row: Row) => string;
  /** The row that is pointed at, or nothing when none is any more. */
  readonly onPoint?: (row: Row | undefined) => void;
}) {
  const { columns, rows, keyOf, rowClass, onPoint } = props;
  const classOf = ({ isNumber, isWide }: Column<Row>) => `${isNumber ? 'number' : ''} ${isWide ? 'wide' : ''}`;
  return (
    <div class="panel table-wrap">
      <table class="data-table">
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column.name} scope="col" class={classOf(column)}>
                {column.name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr
              key={keyOf(row)}
              class={rowClass?.(row) ?? ''}
              onMouseEnter={() => onPoint?.(row)}
              onMouseLeave={() => onPoint?.(undefined)}
            >
              {columns.map((column) => (
                <td key={column.name} class={classOf(column)} data-name={column.name} title={column.hint?.(row)}>
                  {column.cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

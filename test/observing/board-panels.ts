import type { Dashboard, GridPos } from '@grafana/schema';

/** A panel of a board as it is drawn and checked here. */
export interface BoardPanel {
  readonly type: string;
  readonly title: string;
  readonly description: string;
  readonly unit: string;
  readonly noValue: string;
  readonly datasource: string;
  readonly at: GridPos;
  /** Colours of states, from the lowest. */
  readonly colors: readonly string[];
  /** Words for values. */
  readonly words: Readonly<Record<string, string>>;
  readonly queries: readonly { readonly expr: string; readonly legend: string; readonly isInstant: boolean }[];
}

/** What stands above the panels of a row. */
export interface BoardRow {
  readonly title: string;
  readonly y: number;
}

export function rowsOf(board: Dashboard, variables: Readonly<Record<string, string>>): BoardRow[] {
  const chosen = (title: string) => title.replaceAll(/\$(\w+)/g, (whole, name: string) => variables[name] ?? whole);
  return (board.panels ?? []).flatMap(({ type, title = '', gridPos }) =>
    type === 'row' ? [{ title: chosen(title), y: gridPos?.y ?? 0 }] : [],
  );
}

/** The panels of a board, without its rows. */
export function panelsOf(board: Dashboard): BoardPanel[] {
  return (board.panels ?? []).flatMap((panel) => {
    if (!('fieldConfig' in panel)) return [];
    const { type, title = '', description = '', fieldConfig, datasource, gridPos, targets = [] } = panel;
    const { unit = '', noValue = '', thresholds, mappings = [] } = fieldConfig?.defaults ?? {};
    return [
      {
        type,
        title,
        description,
        unit,
        noValue,
        colors: (thresholds?.steps ?? []).map(({ color }) => color),
        words: Object.fromEntries(
          mappings.flatMap(({ type: kind, options }) =>
            kind === 'value' ? Object.entries(options).map(([value, { text = '' }]) => [value, text]) : [],
          ),
        ),
        datasource: datasource?.uid ?? '',
        at: gridPos ?? { x: 0, y: 0, w: 0, h: 0 },
        queries: targets.map((target) => ({
          expr: String(target['expr']),
          legend: String(target['legendFormat']),
          isInstant: target['instant'] === true,
        })),
      },
    ];
  });
}

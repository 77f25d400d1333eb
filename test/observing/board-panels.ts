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

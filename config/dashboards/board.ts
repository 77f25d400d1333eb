import {
  type Dashboard,
  type DashboardLink,
  defaultDashboard,
  FieldColorModeId,
  type FieldConfigSource,
  MappingType,
  type Panel,
  type RowPanel,
  ThresholdsMode,
  type VariableModel,
  VariableRefresh,
  VariableSort,
} from '@grafana/schema';

/** The whole width of a board, in columns. */
const WIDTH = 24;

// biome-ignore lint/suspicious/noTemplateCurlyInString: a variable of Grafana's
const DATASOURCE = { type: 'prometheus', uid: '${datasource}' };

export interface Query {
  readonly expr: string;
  readonly legend: string;
}

export interface Step {
  readonly from: number;
  readonly color: 'green' | 'orange' | 'red' | 'gray';
}

export interface PanelSpec {
  readonly kind: 'stat' | 'timeseries' | 'state-timeline' | 'bargauge' | 'table';
  readonly title: string;
  /** What it shows and what bad looks like. One that may be empty says when: "Empty while …". */
  readonly description: string;
  readonly unit: 's' | 'bytes' | 'ops' | 'percentunit' | 'short' | 'none';
  /** Shown in place of a picture where nothing answers. */
  readonly noValue: string;
  readonly width: number;
  readonly height?: number;
  readonly queries: readonly Query[];
  readonly steps?: readonly Step[];
  /** Words for values. */
  readonly words?: Readonly<Record<string, string>>;
  readonly isStacked?: boolean;
  /** Counts that jump: drawn as stairs. */
  readonly isStairs?: boolean;
  /** Legends whose lines are bounds, not measurements. */
  readonly dashed?: readonly string[];
  /** Shows the legend of the last answer in place of its value. */
  readonly showsName?: boolean;
  readonly min?: number;
  readonly max?: number;
}

export interface RowSpec {
  readonly title: string;
  readonly panels: readonly PanelSpec[];
}

export interface BoardSpec {
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  readonly variables?: readonly VariableModel[];
  readonly rows: readonly RowSpec[];
}

/** A board as Grafana reads it: variables for the data source and the fleet, rows laid out from left to right. */
export function board(spec: BoardSpec): Dashboard {
  const panels: (Panel | RowPanel)[] = [];
  let y = 0;
  for (const row of spec.rows) {
    const header = { x: 0, y, w: WIDTH, h: 1 };
    panels.push({
      id: panels.length + 1,
      type: 'row',
      title: row.title,
      collapsed: false,
      gridPos: header,
      panels: [],
    });
    y += 1;
    let x = 0;
    let rowHeight = 0;
    for (const each of row.panels) {
      const height = each.height ?? (each.kind === 'stat' ? 4 : 8);
      if (x + each.width > WIDTH) {
        x = 0;
        y += rowHeight;
        rowHeight = 0;
      }
      panels.push(panel(each, { id: panels.length + 1, x, y, h: height }));
      x += each.width;
      rowHeight = Math.max(rowHeight, height);
    }
    y += rowHeight;
  }
  const { uid, title, description } = spec;
  return {
    ...defaultDashboard,
    uid,
    title,
    description,
    tags: ['starling'],
    schemaVersion: 41,
    editable: false,
    graphTooltip: 1,
    timezone: 'browser',
    time: { from: 'now-1h', to: 'now' },
    refresh: '30s',
    links: [OTHER_BOARDS],
    annotations: { list: [] },
    templating: { list: [...FLEET, ...(spec.variables ?? [])] },
    panels,
  };
}

const OTHER_BOARDS: DashboardLink = {
  type: 'dashboards',
  title: 'Starling',
  tags: ['starling'],
  asDropdown: true,
  includeVars: true,
  keepTime: true,
  targetBlank: false,
  icon: 'external link',
  tooltip: '',
  url: '',
};

/** One fleet at a time: its buckets and instances must not be added to those of another. */
const FLEET: readonly VariableModel[] = [
  { name: 'datasource', type: 'datasource', label: 'Data source', query: 'prometheus' },
  {
    ...variable({ name: 'namespace', label: 'Namespace', values: 'label_values(starling_build_info, namespace)' }),
    includeAll: true,
    // Also where no namespace is known, as outside Kubernetes.
    allValue: '.*',
    current: { text: 'All', value: '$__all' },
  },
  variable({
    name: 'job',
    label: 'Fleet',
    values: 'label_values(starling_build_info{namespace=~"$namespace"}, job)',
  }),
];

/** A variable whose values come from the series themselves. */
export function variable({ name, label, values }: { name: string; label: string; values: string }): VariableModel {
  return {
    name,
    label,
    type: 'query',
    datasource: DATASOURCE,
    query: { query: values, refId: 'A' },
    refresh: VariableRefresh.onTimeRangeChanged,
    sort: VariableSort.alphabeticalAsc,
    includeAll: false,
    multi: false,
  };
}

function panel(spec: PanelSpec, { id, x, y, h }: { id: number; x: number; y: number; h: number }): Panel {
  const { kind, title, description } = spec;
  const isInstant = kind === 'table' || kind === 'bargauge' || kind === 'stat';
  return {
    id,
    type: kind,
    title,
    description,
    datasource: DATASOURCE,
    gridPos: { x, y, w: spec.width, h },
    fieldConfig: fieldConfig(spec),
    options: optionsOf(spec),
    targets: spec.queries.map(({ expr, legend }, index) => ({
      refId: String.fromCharCode('A'.charCodeAt(0) + index),
      datasource: DATASOURCE,
      expr,
      legendFormat: legend,
      ...(isInstant ? { instant: true, range: false } : { range: true }),
      ...(kind === 'table' && { format: 'table' }),
    })),
    ...(kind === 'table' && {
      transformations: [
        { id: 'joinByField', options: { byField: 'instance', mode: 'outer' } },
        {
          id: 'filterFieldsByName',
          options: { include: { names: ['instance', 'member', 'version', 'node', 'hash'] } },
        },
      ],
    }),
  };
}

function fieldConfig({
  kind,
  unit,
  noValue,
  steps,
  words,
  dashed,
  isStacked,
  isStairs,
  min,
  max,
}: PanelSpec): FieldConfigSource {
  const isGraph = kind === 'timeseries';
  return {
    defaults: {
      unit,
      noValue,
      ...(min !== undefined && { min }),
      ...(max !== undefined && { max }),
      ...(steps && {
        thresholds: {
          mode: ThresholdsMode.Absolute,
          steps: steps.map(({ from, color }, index) => ({ color, value: index === 0 ? null : from })),
        },
        color: { mode: FieldColorModeId.Thresholds },
      }),
      ...(words && {
        mappings: [
          {
            type: MappingType.ValueToText,
            options: Object.fromEntries(Object.entries(words).map(([value, text], index) => [value, { text, index }])),
          },
        ],
      }),
      ...(isGraph && {
        custom: {
          fillOpacity: isStacked ? 30 : 0,
          lineWidth: 1,
          showPoints: 'never',
          spanNulls: false,
          ...(isStairs && { lineInterpolation: 'stepAfter' }),
          ...(isStacked && { stacking: { mode: 'normal', group: 'A' } }),
        },
      }),
    },
    overrides: (dashed ?? []).map((name) => ({
      matcher: { id: 'byName', options: name },
      properties: [{ id: 'custom.lineStyle', value: { fill: 'dash', dash: [6, 6] } }],
    })),
  };
}

function optionsOf({ kind, showsName }: PanelSpec): Record<string, unknown> {
  switch (kind) {
    case 'stat':
      return {
        reduceOptions: { calcs: ['lastNotNull'], fields: '', values: false },
        textMode: showsName ? 'name' : 'auto',
        colorMode: 'value',
        graphMode: 'none',
      };
    case 'timeseries':
      return {
        legend: { displayMode: 'list', placement: 'bottom', showLegend: true },
        tooltip: { mode: 'multi', sort: 'desc' },
      };
    case 'state-timeline':
      return { mergeValues: true, showValue: 'auto', rowHeight: 0.8, legend: { showLegend: false } };
    case 'bargauge':
      return { orientation: 'horizontal', displayMode: 'basic', reduceOptions: { calcs: ['lastNotNull'] } };
    case 'table':
      return { showHeader: true, cellHeight: 'sm' };
    default:
      return kind satisfies never;
  }
}

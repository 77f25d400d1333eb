import type { Dashboard } from '@grafana/schema';
import { type BoardPanel, panelsOf } from '../../observing/board-panels.ts';
import { withoutVariables } from '../../observing/named-series.ts';

/** One line of a panel, named as its legend says. */
export interface Line {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly timesMs: readonly number[];
  readonly values: readonly number[];
}

export interface AnsweredPanel {
  readonly panel: BoardPanel;
  readonly lines: readonly Line[];
}

export interface Span {
  readonly url: string;
  readonly beginMs: number;
  readonly endMs: number;
  readonly variables: Readonly<Record<string, string>>;
}

interface Answer {
  readonly status: string;
  readonly error?: string;
  readonly data: {
    readonly result: readonly {
      readonly metric: Readonly<Record<string, string>>;
      readonly values: [number, string][];
    }[];
  };
}

const STEP_SECONDS = 2;

/** What a Prometheus answers to every query of a board, as Grafana would ask them. */
export function askBoard(board: Dashboard, span: Span): Promise<AnsweredPanel[]> {
  return Promise.all(
    panelsOf(board).map(async (panel) => ({
      panel,
      lines: (await Promise.all(panel.queries.map((query) => askQuery(query, span)))).flat(),
    })),
  );
}

async function askQuery({ expr, legend, isInstant }: BoardPanel['queries'][number], span: Span): Promise<Line[]> {
  const endSeconds = Math.floor(span.endMs / 1000);
  const form = new URLSearchParams({
    query: withoutVariables(expr, { __rate_interval: '10s', ...span.variables }),
    start: String(isInstant ? endSeconds : Math.ceil(span.beginMs / 1000)),
    end: String(endSeconds),
    step: String(STEP_SECONDS),
  });
  const reply = await fetch(`${span.url}/api/v1/query_range`, { method: 'POST', body: form });
  const answer = (await reply.json()) as Answer;
  if (answer.status !== 'success') throw new Error(`${form.get('query')}: ${answer.error}`);
  return answer.data.result
    .map(({ metric, values }) => {
      const known = values.filter(([, value]) => value !== 'NaN');
      return {
        name: legend.replaceAll(/\{\{(\w+)\}\}/g, (_, label: string) => metric[label] ?? ''),
        labels: metric,
        timesMs: known.map(([seconds]) => seconds * 1000),
        values: known.map(([, value]) => Number(value)),
      };
    })
    .filter(({ values }) => values.length > 0);
}

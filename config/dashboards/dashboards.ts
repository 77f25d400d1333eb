import type { Dashboard } from '@grafana/schema';
import { dependencies } from './dependencies.ts';
import { functionBoard } from './function.ts';
import { overview } from './overview.ts';
import { sharding } from './sharding.ts';

/** By the name of the file in the chart, without its ending. */
export const DASHBOARDS: Readonly<Record<string, Dashboard>> = {
  overview,
  function: functionBoard,
  sharding,
  dependencies,
};

/** As it stands in the file. */
export function dashboardText(dashboard: Dashboard): string {
  return `${JSON.stringify(dashboard, null, 2)}\n`;
}

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { DASHBOARDS, dashboardText } from '../../config/dashboards/dashboards.ts';
import { CHART } from '../helm/chart-files.ts';
import { panelsOf } from './board-panels.ts';
import { strangersIn } from './known-series.ts';

const folder = path.join(CHART, 'files/dashboards');
const boards = Object.entries(DASHBOARDS);

describe('the dashboards of the chart', () => {
  it.each(boards)('%s.json is up to date; WRITE_DOCS=1 writes it', (name, board) => {
    const file = path.join(folder, `${name}.json`);
    if (process.env['WRITE_DOCS']) writeFileSync(file, dashboardText(board));
    expect(readFileSync(file, 'utf8')).toBe(dashboardText(board));
  });

  it('have no file without a source', () => {
    expect(readdirSync(folder).sort()).toEqual(boards.map(([name]) => `${name}.json`).sort());
    expect(new Set(boards.map(([, { uid }]) => uid)).size).toBe(boards.length);
  });
});

describe.each(boards)('%s', (_, board) => {
  const panels = panelsOf(board);

  it('describes each panel, its unit, and what no answer means', () => {
    for (const { title, description, unit, noValue } of panels) {
      expect(description, title).toMatch(/^[A-Z].{20,}\.$/);
      expect(unit, title).toMatch(/^(s|bytes|ops|percentunit|short|none)$/);
      expect(noValue, title).toMatch(/\w/);
    }
  });

  it('queries only metrics that exist', () => {
    for (const { title, queries } of panels) {
      expect(queries.length, title).toBeGreaterThan(0);
      for (const { expr } of queries) expect(strangersIn(expr), `${title}: ${expr}`).toEqual([]);
    }
  });

  it('queries one fleet, by its variables, in the chosen data source', () => {
    const names = (board.templating?.list ?? []).map(({ name }) => name);
    expect(names.slice(0, 3)).toEqual(['datasource', 'namespace', 'job']);
    for (const { title, datasource, queries } of panels) {
      expect(datasource, title).toMatch(/^\$\{datasource\}$/);
      for (const { expr } of queries) {
        if (!expr.includes('ALERTS')) expect(expr, title).toContain('{namespace=~"$namespace", job=~"$job"');
        // Nothing else is a variable, but for what Grafana itself brings.
        for (const [, used = ''] of expr.matchAll(/\$(\w+)/g)) expect([...names, '__rate_interval']).toContain(used);
        // Counters start anew with every process.
        expect(expr, title).not.toMatch(/(?<!(rate|increase)\()\bstarling_\w+_total\b/);
      }
    }
  });

  it('has no overlapping panels, and none beyond the edge', () => {
    const taken = new Set<string>();
    for (const { title, at } of panels) {
      expect(at.x + at.w, title).toBeLessThanOrEqual(24);
      for (let x = at.x; x < at.x + at.w; x += 1) {
        for (let y = at.y; y < at.y + at.h; y += 1) {
          expect(taken.has(`${x},${y}`), title).toBe(false);
          taken.add(`${x},${y}`);
        }
      }
    }
  });
});

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { DASHBOARDS } from '../../config/dashboards/dashboards.ts';
import { CATALOGUE } from '../../src/telemetry/catalogue.ts';
import { FUNCTION_SERIES } from '../../src/telemetry/function-series.ts';
import { panelsOf } from './board-panels.ts';
import { entryOf, strangersIn } from './known-series.ts';
import { readExpression } from './named-series.ts';
import { renderedRules, rulesIn } from './rendered-rules.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const read = (file: string) => readFileSync(path.join(root, file), 'utf8');
const RENDERED = 'config/alerts/starling.rules.yaml';
const rules = rulesIn(renderedRules());
const pages = readdirSync(path.join(root, 'docs/runbooks')).filter(
  (file) => file.endsWith('.md') && file !== 'README.md',
);

describe(RENDERED, () => {
  it('is the rules of the chart with its defaults; WRITE_DOCS=1 writes it', () => {
    if (process.env['WRITE_DOCS']) writeFileSync(path.join(root, RENDERED), renderedRules());
    expect(read(RENDERED)).toBe(renderedRules());
  });
});

describe.each(rules)('$alert', ({ alert, expr, labels, annotations }) => {
  it('queries only metrics that exist', () => {
    expect(strangersIn(expr)).toEqual([]);
  });

  it('has a severity, a fixed summary and a description with values', () => {
    expect(alert).toMatch(/^Starling[A-Z][A-Za-z]+$/);
    expect(labels['severity']).toMatch(/^(critical|warning|info)$/);
    expect(annotations['summary']).toMatch(/^[A-Z][^{}]+\.$/);
    expect(annotations['description']).toMatch(/\.$/);
  });

  it('names only labels that its expression keeps', () => {
    const { groupedBy } = readExpression(expr);
    const named = [...(annotations['description'] ?? '').matchAll(/\$labels\.(\w+)/g)].map(([, label]) => label);
    expect(named.filter((label) => !groupedBy.includes(label ?? ''))).toEqual([]);
  });

  it('has a runbook that names it, and says what it means, its impact, what to check and how to fix it', () => {
    const page = read(annotations['runbook'] ?? '');
    expect(page).toMatch(new RegExp(`^# .*\\n\\n(?:Alert|Alerts): .*\`${alert}\``));
    for (const part of ['Meaning', 'Impact', 'Check', 'Fix']) expect(page).toContain(`\n## ${part}\n`);
  });
});

describe('the alerts', () => {
  it('have a promtool test each for firing and for silence', () => {
    const { tests } = parse(read('config/alerts/starling.rules.test.yaml')) as {
      tests: { alert_rule_test?: { alertname: string; exp_alerts?: unknown[] }[] }[];
    };
    const tried = tests.flatMap(({ alert_rule_test = [] }) => alert_rule_test);
    for (const { alert } of rules) {
      const mine = tried.filter(({ alertname }) => alertname === alert).map(({ exp_alerts = [] }) => exp_alerts.length);
      expect(Math.max(...mine, 0), `${alert} fires`).toBeGreaterThan(0);
      expect(Math.min(...mine, 1), `${alert} is silent`).toBe(0);
    }
  });

  it('have unique names, and every runbook belongs to one', () => {
    expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length);
    const linked = new Set(rules.map(({ annotations }) => path.basename(annotations['runbook'] ?? '')));
    expect(pages.filter((page) => !linked.has(page))).toEqual([]);
  });
});

describe('the catalogue', () => {
  it('has only metrics that some board or alert shows', () => {
    const expressions = [
      ...rules.map(({ expr }) => expr),
      ...Object.values(DASHBOARDS).flatMap((board) =>
        panelsOf(board).flatMap(({ queries }) => queries.map(({ expr }) => expr)),
      ),
    ];
    const shown = new Set(expressions.flatMap((expr) => readExpression(expr).series.map(entryOf)));
    const all = [...CATALOGUE, ...FUNCTION_SERIES].map(({ name }) => name);
    expect(all.filter((name) => !shown.has(name))).toEqual([]);
  });

  it('has every metric that a page names', () => {
    // A role in Cassandra has such a name too.
    const known = new Set<string>(['starling_migrate', ...[...CATALOGUE, ...FUNCTION_SERIES].map(({ name }) => name)]);
    const files = readdirSync(path.join(root, 'docs'), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.md'))
      .map((file) => `docs/${file}`);
    for (const file of [...files, 'README.md', 'helm/starling/README.md']) {
      const named = [...read(file).matchAll(/\bstarling_(?!platform_)[a-z_]+[a-z]\b/g)].map(([name]) => name);
      const unknown = named.filter((name) => !known.has(name) && !known.has(name.replace(/_(bucket|sum|count)$/, '')));
      expect(unknown, file).toEqual([]);
    }
  });
});

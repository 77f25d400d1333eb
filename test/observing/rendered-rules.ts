import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { at, CHART } from '../helm/chart-files.ts';

export interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

const SOURCE = path.join(CHART, 'files/rules/starling.yaml');
const HEAD = `# Alerts for any Prometheus: the rules of the chart (helm/starling/files/rules) with its default thresholds, written by a
# test. Change them there, or copy this file.
`;

/** The rules as a Prometheus outside Kubernetes reads them: every threshold at its default, every runbook by its path. */
export function renderedRules(): string {
  const defaults = at(parse(readFileSync(path.join(CHART, 'values.yaml'), 'utf8')), 'prometheusRule.thresholds');
  const rules = readFileSync(SOURCE, 'utf8')
    .replace(/^(#.*\n)+/, HEAD)
    .replaceAll(/\$\{(\w+)\}/g, (_, name: string) => String((defaults as Record<string, unknown>)[name]))
    .replaceAll(/runbook: (\S+\.md)/g, 'runbook: docs/runbooks/$1');
  if (/\$\{/.test(rules)) throw new Error('a threshold is not in braces');
  return rules;
}

export function rulesIn(text: string): Rule[] {
  return (parse(text) as { groups: { rules: Rule[] }[] }).groups.flatMap(({ rules }) => rules);
}

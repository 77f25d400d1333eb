import { parser } from '@prometheus-io/lezer-promql';

/** A series that an expression asks for, and the labels that it is chosen by. */
export interface NamedSeries {
  readonly metric: string;
  readonly labels: readonly string[];
}

/** Reads an expression; throws where it is no PromQL. */
export function readExpression(expr: string): { series: NamedSeries[]; groupedBy: string[] } {
  const text = withoutVariables(expr);
  const series: NamedSeries[] = [];
  const groupedBy: string[] = [];
  parser.parse(text).iterate({
    enter: (node) => {
      if (node.type.isError) throw new Error(`no PromQL at ${node.from}: ${expr}`);
      if (node.name === 'VectorSelector') {
        const metric = node.node.getChild('Identifier');
        const matchers = node.node.getChild('LabelMatchers')?.getChildren('UnquotedLabelMatcher') ?? [];
        series.push({
          metric: metric ? text.slice(metric.from, metric.to) : '',
          labels: matchers.map((matcher) => {
            const name = matcher.getChild('LabelName');
            return name ? text.slice(name.from, name.to) : '';
          }),
        });
      }
      if (node.name === 'GroupingLabels') {
        for (const label of node.node.getChildren('LabelName')) groupedBy.push(text.slice(label.from, label.to));
      }
    },
  });
  return { series, groupedBy };
}

/** Grafana puts values in the place of these before anybody parses. */
export function withoutVariables(expr: string, values: Readonly<Record<string, string>> = {}): string {
  return expr.replaceAll(/\$(\w+)/g, (_, name: string) => values[name] ?? DEFAULTS[name] ?? '.*');
}

const DEFAULTS: Readonly<Record<string, string>> = { __rate_interval: '1m', __range: '1h', __interval: '15s' };

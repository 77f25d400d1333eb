import type { HistogramPoint, LabelSet, MetricFamily } from './metric-family.ts';

export const PROMETHEUS_CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/**
 * Families as Prometheus text. Our own writer because the SDK's exporter renames what it writes, so that scraped and
 * pushed metrics would go by two names.
 */
export function prometheusText(families: readonly MetricFamily[]): string {
  let text = '';
  for (const family of families) {
    if (family.points.length === 0) continue;
    text += header(family);
    if (family.kind === 'histogram') for (const point of family.points) text += histogram(family.name, point);
    else
      for (const { labels, value } of family.points)
        text += `${family.name}${labelText(labels)} ${numberText(value)}\n`;
  }
  return text;
}

export function header({ name, kind, help }: { name: string; kind: string; help: string }): string {
  return `# HELP ${name} ${help.replace(/\\/g, '\\\\').replace(/\n/g, '\\n')}\n# TYPE ${name} ${kind}\n`;
}

function histogram(name: string, { labels, boundaries, counts, sum, count }: HistogramPoint): string {
  let text = '';
  let below = 0;
  for (const [index, boundary] of boundaries.entries()) {
    below += counts[index] ?? 0;
    text += `${name}_bucket${labelText({ ...labels, le: numberText(boundary) })} ${below}\n`;
  }
  text += `${name}_bucket${labelText({ ...labels, le: '+Inf' })} ${count}\n`;
  return `${text}${name}_sum${labelText(labels)} ${numberText(sum)}\n${name}_count${labelText(labels)} ${count}\n`;
}

export function labelText(labels: LabelSet): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${labelName(name)}="${labelValue(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

/** Label values may come from outside: ids with quotes, line breaks or half a surrogate pair. */
export function labelValue(value: string): string {
  const escaped = /[\\"\n]/.test(value)
    ? value.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n')
    : value;
  return escaped.toWellFormed();
}

function labelName(name: string): string {
  return /^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name) ? name : name.replace(/[^a-zA-Z0-9_]/g, '_');
}

export function numberText(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf';
  return value === Number.NEGATIVE_INFINITY ? '-Inf' : String(value);
}

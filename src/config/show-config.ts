import { stringify } from 'yaml';
import type { EffectiveOption, LoadedConfig } from './load-config.ts';

export type ConfigOutput = 'table' | 'yaml' | 'json';

/** The effective configuration as text. The YAML is a configuration file again; the sources stand beside each value. */
export function showConfig({ effective, hash }: LoadedConfig, output: ConfigOutput): string {
  switch (output) {
    case 'json':
      return `${JSON.stringify({ hash, options: effective }, null, 2)}\n`;
    case 'yaml':
      return showYaml(effective);
    case 'table':
      return showTable(effective);
  }
}

function showTable(effective: readonly EffectiveOption[]): string {
  const rows = [
    ['OPTION', 'VALUE', 'SOURCE'],
    ...effective.map(({ key, value, source }) => [key, value === undefined ? '-' : String(value), source]),
  ];
  const widths = [0, 1].map((column) => Math.min(60, Math.max(...rows.map((row) => row[column]?.length ?? 0))));
  return rows
    .map(
      ([key = '', value = '', source = '']) =>
        `${key.padEnd(widths[0] ?? 0)}  ${oneLine(value).padEnd(widths[1] ?? 0)}  ${source}\n`,
    )
    .join('');
}

/** What is unset or secret stands as a comment. */
function showYaml(effective: readonly EffectiveOption[]): string {
  const lines: string[] = [];
  let open: readonly string[] = [];
  for (const { key, value, source, isDefault } of effective) {
    const path = key.split('.');
    const groups = path.slice(0, -1);
    const shared = groups.findIndex((part, index) => part !== open[index]);
    for (let depth = shared < 0 ? groups.length : shared; depth < groups.length; depth += 1) {
      lines.push(`${'  '.repeat(depth)}${groups[depth]}:`);
    }
    open = groups;
    const indent = '  '.repeat(groups.length);
    const text = value === undefined ? '' : stringify(value, { lineWidth: 0, collectionStyle: 'flow' }).trimEnd();
    const isComment = value === undefined || value === '[redacted]';
    lines.push(`${indent}${isComment ? '# ' : ''}${path.at(-1)}: ${text}${isDefault ? '' : `  # ${source}`}`);
  }
  return `${lines.join('\n')}\n`;
}

function oneLine(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

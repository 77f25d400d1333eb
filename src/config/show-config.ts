import { stringify } from 'yaml';
import { MASK } from '../lib/scrub.ts';
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
  const lines = rows.map(([key = '', value = '', source = '']) => {
    return `${key.padEnd(widths[0] ?? 0)}  ${oneLine(value).padEnd(widths[1] ?? 0)}  ${source}\n`;
  });
  return lines.join('');
}

/** What is unset or secret stands as a comment, and so does a group of nothing else. */
function showYaml(effective: readonly EffectiveOption[]): string {
  const live = new Set(effective.filter((option) => !isComment(option)).flatMap(({ key }) => groupsOf(key)));
  const lines: string[] = [];
  const opened = new Set<string>();
  for (const option of effective) {
    const groups = groupsOf(option.key);
    for (const [depth, group] of groups.entries()) {
      if (opened.has(group)) continue;
      opened.add(group);
      lines.push(`${'  '.repeat(depth)}${live.has(group) ? '' : '# '}${group.split('.').at(-1)}:`);
    }
    lines.push(`${'  '.repeat(groups.length)}${leafLine(option)}`);
  }
  return `${lines.join('\n')}\n`;
}

function leafLine(option: EffectiveOption): string {
  const name = option.key.split('.').at(-1);
  const text =
    option.value === undefined ? '' : stringify(option.value, { lineWidth: 0, collectionStyle: 'flow' }).trimEnd();
  const source = option.isDefault ? '' : `  # ${oneLine(option.source)}`;
  return `${isComment(option) ? '# ' : ''}${name}: ${text}${source}`;
}

function isComment({ value }: EffectiveOption): boolean {
  return value === undefined || value === MASK;
}

/** `a.b.c` lies in `a` and in `a.b`. */
function groupsOf(key: string): string[] {
  const parts = key.split('.');
  return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join('.'));
}

function oneLine(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { jsonSchema } from '../../src/config/json-schema.ts';

type Schema = Record<string, unknown>;

export const CHART = fileURLToPath(new URL('../../helm/starling', import.meta.url));

/** One thing that can be set in values.yaml. */
export interface ChartValue {
  readonly key: string;
  readonly doc: string;
  readonly fallback: unknown;
  /** What the comment adds to the schema. */
  readonly schema: Schema;
}

/** Reads values.yaml with its comments: a key whose comment begins with `--` is one value, whatever it holds. */
export function chartValues(text = readFileSync(`${CHART}/values.yaml`, 'utf8')): ChartValue[] {
  const defaults = parse(text) as Schema;
  const values: ChartValue[] = [];
  let comment: string[] = [];
  let path: { readonly name: string; readonly indent: number }[] = [];
  let inside: number | undefined;
  for (const line of text.split('\n')) {
    const [, note] = /^\s*# ?(.*)$/.exec(line) ?? [];
    if (note !== undefined) {
      comment.push(note);
      continue;
    }
    const [, indentation = '', name] = /^( *)([A-Za-z]+):/.exec(line) ?? [];
    if (name !== undefined && (inside === undefined || indentation.length <= inside)) {
      const indent = indentation.length;
      path = [...path.filter((each) => each.indent < indent), { name, indent }];
      const key = path.map((each) => each.name).join('.');
      const described = describe(comment);
      inside = described === undefined ? undefined : indent;
      if (described !== undefined) values.push({ key, ...described, fallback: at(defaults, key) });
    }
    comment = [];
  }
  return values;
}

function describe(comment: readonly string[]): { doc: string; schema: Schema } | undefined {
  const begin = comment.findIndex((line) => line.startsWith('-- '));
  if (begin === -1) return undefined;
  const lines = comment.slice(begin);
  const doc = lines
    .filter((line) => !line.startsWith('@schema '))
    .join(' ')
    .slice('-- '.length);
  const schema = lines.find((line) => line.startsWith('@schema '))?.slice('@schema '.length);
  return { doc, schema: schema === undefined ? {} : (JSON.parse(schema) as Schema) };
}

export function at(tree: unknown, key: string): unknown {
  return key.split('.').reduce<unknown>((node, part) => (node as Schema | undefined)?.[part], tree);
}

/** The text of values.schema.json: every key of values.yaml and no other, and the configuration to its last key. */
export function valuesSchema(): string {
  const root = group();
  for (const value of chartValues()) {
    const parts = value.key.split('.');
    let branch = root;
    for (const part of parts.slice(0, -1)) {
      const properties = branch['properties'] as Record<string, Schema>;
      properties[part] ??= group();
      branch = properties[part];
    }
    (branch['properties'] as Record<string, Schema>)[parts.at(-1) ?? ''] = shapeOf(value);
  }
  const text = { type: 'string', minLength: 1 };
  return `${JSON.stringify(
    {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      title: 'Values of the starling chart',
      ...root,
      $defs: {
        secret: {
          type: 'object',
          additionalProperties: false,
          properties: { key: text, existingSecret: text, value: text },
        },
      },
    },
    null,
    1,
  )}\n`;
}

function group(): Schema {
  return { type: 'object', additionalProperties: false, properties: {} };
}

function shapeOf({ key, doc, fallback, schema }: ChartValue): Schema {
  if (key === 'config') {
    const { $schema: _, title: __, ...shape } = jsonSchema();
    return { ...shape, description: doc };
  }
  return { description: doc, ...typeOf(key, fallback), ...schema };
}

function typeOf(key: string, fallback: unknown): Schema {
  if (Array.isArray(fallback)) return { type: 'array' };
  switch (typeof fallback) {
    case 'string':
    case 'boolean':
      return { type: typeof fallback };
    case 'number':
      return { type: Number.isInteger(fallback) ? 'integer' : 'number' };
    case 'object':
      // Null: only the comment can tell. A map without a word is one of labels or annotations.
      return fallback === null ? {} : { type: 'object', additionalProperties: { type: 'string' } };
    default:
      throw new Error(`${key} has no default that a schema could be made of`);
  }
}

const BEGIN = '<!-- values: made from values.yaml -->';
const END = '<!-- end of values -->';

/** The README with its table of values made anew. */
export function chartReadme(current = readFileSync(`${CHART}/README.md`, 'utf8')): string {
  const head = current.slice(0, current.indexOf(BEGIN));
  const tail = current.slice(current.indexOf(END));
  if (!current.includes(BEGIN) || !current.includes(END)) throw new Error(`README.md has no ${BEGIN} … ${END}`);
  const rows = chartValues().map(
    ({ key, doc, fallback }) => `| \`${key}\` | ${cell(doc)} | ${cell(shown(fallback))} |`,
  );
  return `${head}${BEGIN}\n\n| key | what it does | default |\n|---|---|---|\n${rows.join('\n')}\n\n${tail}`;
}

function shown(fallback: unknown): string {
  return fallback === '' ? '' : `\`${JSON.stringify(fallback)}\``;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}

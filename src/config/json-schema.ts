import { LEAVES, type Leaf } from './declarations.ts';
import type { Option } from './option.ts';

type Schema = Record<string, unknown>;

const DURATION = '^(0|([0-9]+(\\.[0-9]+)?(ms|s|m|h|d))+|P.+)$';
const SIZE = '^[0-9]+ *(B|KiB|MiB|GiB|kB|MB|GB)$';

/** What a configuration file may hold, for editors: `# yaml-language-server: $schema=starling.schema.json`. */
export function jsonSchema(): Schema {
  const root = group();
  for (const leaf of LEAVES) {
    if (!leaf.isInFiles) continue;
    const path = leaf.key.split('.');
    let branch = root;
    for (const part of path.slice(0, -1)) {
      const properties = branch['properties'] as Record<string, Schema>;
      properties[part] ??= group();
      branch = properties[part];
    }
    (branch['properties'] as Record<string, Schema>)[path.at(-1) ?? ''] = leafSchema(leaf);
  }
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Starling configuration',
    ...root,
  };
}

function group(): Schema {
  return { type: 'object', additionalProperties: false, properties: {} };
}

function leafSchema({ option, env }: Leaf): Schema {
  const description = `${option.doc} (${env})`;
  const fallback = option.defaultText === undefined ? {} : { default: defaultOf(option) };
  return { description, ...shapeOf(option), ...fallback };
}

function shapeOf(option: Option<unknown, string>): Schema {
  const { rules, choices } = option;
  const pattern = rules.pattern ? { pattern: rules.pattern.source } : {};
  switch (option.kind.name) {
    case 'duration':
      return { type: 'string', pattern: DURATION };
    case 'size':
      return { type: 'string', pattern: SIZE };
    case 'boolean':
      return { type: 'boolean' };
    case 'integer':
    case 'number':
      return {
        type: option.kind.name,
        ...(rules.min === undefined ? {} : { minimum: Number(rules.min) }),
        ...(rules.max === undefined ? {} : { maximum: Number(rules.max) }),
      };
    case 'choice':
      return { enum: choices ?? [] };
    case 'list':
      return { anyOf: [{ type: 'array', items: { type: 'string', ...pattern } }, { type: 'string' }] };
    case 'pairs':
      return {
        anyOf: [
          { type: 'object', additionalProperties: { type: ['string', 'number', 'boolean'] } },
          { type: 'array', items: { type: 'string' } },
          { type: 'string' },
        ],
      };
    default:
      return { type: 'string', ...pattern };
  }
}

function defaultOf(option: Option<unknown, string>): unknown {
  const stored = option.kind.read(option.defaultText ?? '');
  if (option.kind.name === 'duration' || option.kind.name === 'size') return option.defaultText;
  return option.kind.name === 'pairs' ? {} : stored;
}

import { LEAVES, type Leaf, nested, type Tree } from './declarations.ts';
import type { Option } from './option.ts';

type Schema = Record<string, unknown>;

const DURATION = '^(0|([0-9]+(\\.[0-9]+)?(ms|s|m|h|d))+|P.+)$';
const SIZE = '^[0-9]+ *(B|KiB|MiB|GiB|kB|MB|GB)$';

/** What a configuration file may hold, for editors: `# yaml-language-server: $schema=starling.schema.json`. */
export function jsonSchema(): Schema {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Starling configuration',
    ...groupSchema(nested(LEAVES.filter(({ isInFiles }) => isInFiles).map((leaf) => [leaf.key, leaf]))),
  };
}

function groupSchema(group: Tree<Leaf>): Schema {
  const properties = Object.entries(group).map(([name, node]) => [
    name,
    isLeaf(node) ? leafSchema(node) : groupSchema(node),
  ]);
  return { type: 'object', additionalProperties: false, properties: Object.fromEntries(properties) };
}

function isLeaf(node: Leaf | Tree<Leaf>): node is Leaf {
  return 'option' in node;
}

function leafSchema({ option, env }: Leaf): Schema {
  const description = `${option.doc} (${env})`;
  const fallback = option.default === undefined ? {} : { default: defaultOf(option, option.default) };
  return { description, ...shapeOf(option), ...fallback };
}

function shapeOf(option: Option): Schema {
  const { min, max, choices } = option;
  const pattern = option.pattern ? { pattern: option.pattern.source } : {};
  switch (option.format) {
    case 'duration':
      return { type: 'string', pattern: DURATION };
    case 'size':
      return { type: 'string', pattern: SIZE };
    case 'boolean':
      return { type: 'boolean' };
    case 'integer':
    case 'number':
      return {
        type: option.format,
        ...(min === undefined ? {} : { minimum: Number(min) }),
        ...(max === undefined ? {} : { maximum: Number(max) }),
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

function defaultOf({ kind, format }: Option, written: string): unknown {
  if (format === 'duration' || format === 'size') return written;
  return format === 'pairs' ? {} : kind.read(written);
}

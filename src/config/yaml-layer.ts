import { readFileSync } from 'node:fs';
import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument, type Scalar } from 'yaml';
import { GROUP_KEYS, LEAF_BY_KEY, type Leaf } from './declarations.ts';
import { type Assignment, type Layer, misplacedSecret, refused, unknownKey } from './layer.ts';
import type { ConfigProblem } from './problem.ts';
import { pairsKind } from './value-kind.ts';

export function readYamlFile(file: string): Layer {
  try {
    return readYamlLayer({ file, text: readFileSync(file, 'utf8') });
  } catch (error) {
    return refused({
      key: file,
      source: 'flag --config or STARLING_CONFIG',
      says: whyUnread(error as NodeJS.ErrnoException),
      mend: 'check the path and its permissions',
    });
  }
}

function whyUnread({ code, message }: NodeJS.ErrnoException): string {
  if (code === 'ENOENT') return 'there is no such file';
  if (code === 'EISDIR') return 'is a folder; name a file';
  return `cannot be read: ${message}`;
}

/**
 * Reads the text of one file. The tree is walked as it stands there, and every value is taken as its text: no key can
 * become a prototype, `no` stays a word, `007` keeps its zeros, and each value knows its line.
 */
export function readYamlLayer({ file, text }: { file: string; text: string }): Layer {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, maxAliasCount: 100 } as never);
  const at = (offset: number | undefined) => (offset === undefined ? file : `${file}:${lines.linePos(offset).line}`);

  const problems: ConfigProblem[] = document.errors.map((error) => ({
    key: file,
    source: at(error.pos[0]),
    says: `is not YAML: ${error.message}`,
    mend: 'check indentation, colons and repeated keys on that line',
  }));
  if (problems.length > 0) return { assignments: [], problems };

  const assignments: Assignment[] = [];
  const resolve = (node: unknown): Node | null =>
    isAlias(node) ? (node.resolve(document) ?? null) : ((node as Node | null) ?? null);

  const visit = (node: Node | null, path: string, source: string): void => {
    const leaf = LEAF_BY_KEY.get(path);
    if (leaf) {
      takeLeaf(leaf, node, source);
    } else if (isMap(node)) {
      for (const pair of node.items) {
        const keyNode = pair.key as Scalar;
        const name = isScalar(keyNode) ? String(keyNode.value) : '?';
        const key = path === '' ? name : `${path}.${name}`;
        const here = at(keyNode?.range?.[0]);
        if (LEAF_BY_KEY.has(key) || GROUP_KEYS.has(key)) visit(resolve(pair.value), key, here);
        else problems.push(unknownKey({ key, value: scalarText(resolve(pair.value)), source: here }));
      }
    } else if (isSeq(node) || scalarText(node) !== undefined) {
      problems.push({
        key: path || file,
        value: scalarText(node),
        source,
        says: 'must be a group of options',
        mend: path === '' ? 'start with a key such as scaling:' : `put its options below it, indented`,
      });
    }
  };

  const takeLeaf = (leaf: Leaf, node: Node | null, source: string): void => {
    const { key } = leaf;
    if (!leaf.isInFiles) {
      problems.push(misplacedSecret({ key, source, place: 'configuration file', file: 'a file of its own' }));
      return;
    }
    const given = isMap(node) && leaf.option.kind === pairsKind ? pairsOf(node) : textsOf(node);
    if (given !== undefined) {
      assignments.push({ leaf, given, source });
      return;
    }
    problems.push({
      key,
      source,
      says: node === null || isScalar(node) ? 'has no value' : `must be one ${leaf.option.kind.name}`,
      mend: 'give it a value, or leave the line out',
    });
  };

  const textsOf = (node: Node | null): string | readonly string[] | undefined => {
    if (!isSeq(node)) return scalarText(node);
    const texts = node.items.map((item) => scalarText(resolve(item)));
    return texts.every((text) => text !== undefined) ? texts : undefined;
  };

  const pairsOf = (node: { items: readonly { key: unknown; value: unknown }[] }): readonly string[] | undefined => {
    const texts = node.items.map((pair) => {
      const value = scalarText(resolve(pair.value));
      return isScalar(pair.key) && value !== undefined ? `${String(pair.key.value)}=${value}` : undefined;
    });
    return texts.every((text) => text !== undefined) ? texts : undefined;
  };

  visit(resolve(document.contents), '', file);
  return { assignments, problems };
}

/** The text of a scalar as written; undefined for null, maps and lists. */
function scalarText(node: Node | null): string | undefined {
  if (!isScalar(node) || node.value === null || node.value === undefined) return undefined;
  if (typeof node.value === 'string') return node.value;
  return node.source ?? String(node.value);
}

import { isOption, type Option, type OptionGroup, option } from './option.ts';
import { controlPlane } from './options/acting.ts';
import { member, membership, store } from './options/coordination.ts';
import { policy } from './options/policy.ts';
import { http, shutdown, telemetry, watchdog } from './options/serving.ts';
import { discovery, freeze, scaling, timeseries } from './options/signals.ts';
import { booleanKind, pathKind } from './value-kind.ts';

/** Everything that can be configured, once. */
export const DECLARATIONS = {
  member,
  store,
  membership,
  timeseries,
  discovery,
  scaling,
  policy,
  freeze,
  controlPlane,
  http,
  telemetry,
  watchdog,
  shutdown,
} as const satisfies OptionGroup;

/** One declared option with the names that it goes by. */
export interface Leaf {
  readonly key: string;
  readonly env: string;
  /** Without the dashes; the first follows from the key. Empty: there is no flag. */
  readonly flags: readonly string[];
  readonly option: Option;
  /** Accepted in a file. Values of secrets are not. */
  readonly isInFiles: boolean;
}

export const LEAVES: readonly Leaf[] = collect(DECLARATIONS, []);
export const LEAF_BY_KEY: ReadonlyMap<string, Leaf> = new Map(LEAVES.map((leaf) => [leaf.key, leaf]));
export const LEAF_BY_ENV: ReadonlyMap<string, Leaf> = new Map(LEAVES.map((leaf) => [leaf.env, leaf]));
export const LEAF_BY_FLAG: ReadonlyMap<string, Leaf> = new Map(
  LEAVES.flatMap((leaf) => leaf.flags.map((flag) => [flag, leaf] as const)),
);
/** The keys that hold other keys. */
export const GROUP_KEYS: ReadonlySet<string> = new Set(
  LEAVES.flatMap(({ key }) => key.split('.').map((_, index, parts) => parts.slice(0, index).join('.'))),
);
/** Of the values; the file of each has the same key with `File` behind it. */
export const SECRET_KEYS: readonly string[] = LEAVES.flatMap(({ key, option }) => (option.sensitive ? [key] : []));

export function isSwitch(leaf: Leaf): boolean {
  return leaf.option.kind === booleanKind;
}

/** Entries by dotted keys as the tree that they describe: `b` of `a.b` lies in `a`. */
export function nested<Value>(entries: readonly (readonly [key: string, value: Value])[]): Tree<Value> {
  const branches = [...Map.groupBy(entries, ([key]) => key.split('.', 1)[0] ?? '')].map(([name, inside]) => {
    const leaf = inside.find(([key]) => key === name);
    return [name, leaf ? leaf[1] : nested(inside.map(([key, value]) => [key.slice(name.length + 1), value]))] as const;
  });
  return Object.freeze(Object.fromEntries(branches));
}

export interface Tree<Value> {
  readonly [name: string]: Value | Tree<Value>;
}

function collect(group: OptionGroup, path: readonly string[]): Leaf[] {
  return Object.entries(group).flatMap(([name, node]) => {
    if (!isOption(node)) return collect(node, [...path, name]);
    const leaf = leafAt([...path, name], node);
    if (!node.sensitive) return [leaf];
    // `password` becomes a file to read and, for development, an environment variable.
    const file = option(pathKind, { doc: `File with: ${node.doc}`, reload: 'live' });
    return [leafAt([...path, `${name}File`], file), { ...leaf, flags: [], isInFiles: false }];
  });
}

function leafAt(path: readonly string[], option: Option): Leaf {
  const words = path.map((part) => part.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)).join('-');
  return {
    key: path.join('.'),
    env: `STARLING_${words.replaceAll('-', '_').toUpperCase()}`,
    flags: option.flag ? [words, option.flag] : [words],
    option,
    isInFiles: true,
  };
}

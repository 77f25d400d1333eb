import { Option, type OptionGroup, SecretOption } from './option.ts';
import { controlPlane } from './options/acting.ts';
import { member, membership, store } from './options/coordination.ts';
import { policy } from './options/policy.ts';
import { http, shutdown, telemetry, watchdog } from './options/serving.ts';
import { discovery, freeze, scaling, timeseries } from './options/signals.ts';
import { booleanKind, pathKind, textKind } from './value-kind.ts';

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
  readonly option: Option<unknown, string>;
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

export function isSwitch(leaf: Leaf): boolean {
  return leaf.option.kind === booleanKind;
}

function collect(group: OptionGroup, path: readonly string[]): Leaf[] {
  return Object.entries(group).flatMap(([name, node]) => {
    const here = [...path, name];
    if (node instanceof Option) return [leafAt(here, node)];
    if (node instanceof SecretOption) return secretLeaves(here, node);
    return collect(node, here);
  });
}

/** `password` becomes a file to read and, for development, an environment variable. */
function secretLeaves(path: readonly string[], { doc }: SecretOption): Leaf[] {
  const file = new Option({
    kind: pathKind,
    defaultText: undefined,
    doc: `File with: ${doc}`,
    rules: { reload: 'live' },
  });
  const value = new Option({ kind: textKind, defaultText: undefined, doc, rules: { isSensitive: true } });
  const name = path.at(-1) ?? '';
  return [leafAt([...path.slice(0, -1), `${name}File`], file), { ...leafAt(path, value), flags: [], isInFiles: false }];
}

function leafAt(path: readonly string[], option: Option<unknown, string>): Leaf {
  const words = path.map((part) => part.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)).join('-');
  return {
    key: path.join('.'),
    env: `STARLING_${words.replaceAll('-', '_').toUpperCase()}`,
    flags: option.rules.flag ? [words, option.rules.flag] : [words],
    option,
    isInFiles: true,
  };
}

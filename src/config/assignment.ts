import { GROUP_KEYS, LEAF_BY_KEY, type Leaf } from './declarations.ts';
import { nearest } from './nearest.ts';
import type { ConfigProblem } from './problem.ts';

/** One value that one layer gives to one option, as text (or texts) from outside. */
export interface Assignment {
  readonly leaf: Leaf;
  readonly given: string | readonly string[];
  readonly source: string;
}

/** What one layer said. */
export interface Layer {
  readonly assignments: readonly Assignment[];
  readonly problems: readonly ConfigProblem[];
}

/** What is wrong with a value, whether or not a later layer overrides it: a fault in a file is a fault. */
export function faultOf({ leaf, given, source }: Assignment): ConfigProblem | undefined {
  const { option } = leaf;
  const isList = typeof given !== 'string';
  const rule = isList && !option.kind.isList ? 'one value, not a list' : option.fault(given);
  if (rule === undefined) return undefined;
  const isSensitive = option.rules.isSensitive === true;
  return {
    key: leaf.key,
    value: isSensitive ? '[redacted]' : isList ? given.join(',') : given,
    source,
    says: `must be ${rule}`,
    mend: option.defaultText
      ? `write it like ${option.defaultText} (the default), or leave it out`
      : `see docs/configuration.md`,
  };
}

export function unknownKey(options: { key: string; value: string | undefined; source: string }): ConfigProblem {
  const guess = nearestKey(options.key);
  return {
    ...options,
    says: 'there is no such option',
    mend: guess ? `did you mean ${guess}?` : 'starling config --schema lists them all',
  };
}

function nearestKey(key: string): string | undefined {
  const guess = nearest(
    key,
    [...LEAF_BY_KEY.keys(), ...GROUP_KEYS].filter((name) => name !== ''),
  );
  if (guess) return guess;
  // The right name in the wrong place is the other common slip.
  const name = key.split('.').at(-1) ?? '';
  return [...LEAF_BY_KEY.keys()].find((candidate) => candidate.split('.').at(-1) === name);
}

import { type Assignment, type Layer, unknownKey } from './assignment.ts';
import { LEAF_BY_FLAG, LEAF_BY_KEY } from './declarations.ts';
import { nearest } from './nearest.ts';
import type { ConfigProblem } from './problem.ts';

/** Flags by their name without dashes, and `key=value` texts of `--set`. A flag goes before `--set`. */
export interface FlagInput {
  readonly flags?: Readonly<Record<string, string>>;
  readonly set?: readonly string[];
}

export function readFlagLayer({ flags = {}, set = [] }: FlagInput): Layer {
  const assignments: Assignment[] = [];
  const problems: ConfigProblem[] = [];

  for (const text of set) {
    const split = text.indexOf('=');
    const key = split < 0 ? text : text.slice(0, split);
    const given = text.slice(split + 1);
    const leaf = LEAF_BY_KEY.get(key);
    const source = `flag --set ${key}`;
    if (split < 0) {
      problems.push({
        key,
        value: undefined,
        source: 'flag --set',
        says: 'must be key=value',
        mend: 'such as --set scaling.interval=15s',
      });
    } else if (!leaf) {
      problems.push(unknownKey({ key, value: undefined, source }));
    } else if (leaf.flags.length === 0) {
      problems.push(secretInFlag(key, source));
    } else {
      assignments.push({ leaf, given, source });
    }
  }

  for (const [flag, given] of Object.entries(flags)) {
    const leaf = LEAF_BY_FLAG.get(flag);
    if (leaf) {
      assignments.push({ leaf, given, source: `flag --${flag}` });
      continue;
    }
    const guess = nearest(flag, LEAF_BY_FLAG.keys());
    problems.push({
      key: `--${flag}`,
      value: undefined,
      source: 'flag',
      says: 'there is no such flag',
      mend: guess ? `did you mean --${guess}?` : 'see docs/configuration.md for the flags',
    });
  }
  return { assignments, problems };
}

/** Everybody on the machine can read the arguments of a process. */
function secretInFlag(key: string, source: string): ConfigProblem {
  return {
    key,
    value: '[redacted]',
    source,
    says: 'a secret does not belong in a flag',
    mend: `write it to a file and name that file in ${key}File`,
  };
}

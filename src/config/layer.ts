import { MASK } from '../lib/scrub.ts';
import { GROUP_KEYS, LEAF_BY_ENV, LEAF_BY_FLAG, LEAF_BY_KEY, type Leaf } from './declarations.ts';
import { nearest } from './nearest.ts';
import type { ConfigProblem } from './problem.ts';

/** One value that one layer gives to one option, as text (or texts) from outside. */
export interface Assignment {
  readonly leaf: Leaf;
  readonly given: string | readonly string[];
  readonly source: string;
}

/** What one file, the environment or one flag says, and what of it names no option. */
export interface Layer {
  readonly assignments: readonly Assignment[];
  readonly problems: readonly ConfigProblem[];
}

/** Flags by their name without dashes, and `key=value` texts of `--set`. A flag goes before `--set`. */
export interface FlagInput {
  readonly flags?: Readonly<Record<string, string>>;
  readonly set?: readonly string[];
}

const PREFIX = 'STARLING_';

/** Names with our prefix that are not options: the list of configuration files, */
export const CONFIG_FILES_ENV = 'STARLING_CONFIG';
/** and what is for the command line alone: where errors come from, and which server is meant. */
const NO_OPTIONS: ReadonlySet<string> = new Set([CONFIG_FILES_ENV, 'STARLING_DEBUG', 'STARLING_URL']);

/** What Kubernetes puts into every pod for a service called `starling` or `starling-…`; not for us. */
const SERVICE_LINK = /_(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$/;

/** An empty variable counts as unset: that is what `${NAME:-}` in a compose file leaves behind. */
export function readEnvironment(env: Readonly<Record<string, string | undefined>>): Layer {
  const assignments: Assignment[] = [];
  const problems: ConfigProblem[] = [];
  for (const [name, given] of Object.entries(env)) {
    if (!name.startsWith(PREFIX) || !given || NO_OPTIONS.has(name)) continue;
    const leaf = LEAF_BY_ENV.get(name);
    if (leaf) {
      assignments.push({ leaf, given, source: `environment ${name}` });
    } else if (!SERVICE_LINK.test(name)) {
      const guess = nearest(name, LEAF_BY_ENV.keys());
      problems.push({
        // Without the value: it may be a mistyped secret.
        key: name,
        source: 'environment',
        says: 'there is no such option',
        mend: guess ? `did you mean ${guess}?` : 'unset it, or see docs/configuration.md for the names',
      });
    }
  }
  return { assignments, problems };
}

/** Each is a layer of its own: two of them may name one option. */
export function readFlags({ flags = {}, set = [] }: FlagInput): Layer[] {
  return [...set.map(readSet), ...Object.entries(flags).map(([flag, given]) => readFlag(flag, given))];
}

function readSet(text: string): Layer {
  const split = text.indexOf('=');
  const key = split < 0 ? text : text.slice(0, split);
  const leaf = LEAF_BY_KEY.get(key);
  const source = `flag --set ${key}`;
  if (split < 0) {
    const mend = 'such as --set scaling.interval=15s';
    return refused({ key, source: 'flag --set', says: 'must be key=value', mend });
  }
  if (!leaf) return refused(unknownKey({ key, source }));
  // Everyone on the machine can read the arguments of a process.
  if (leaf.option.sensitive) return refused(misplacedSecret({ key, source, place: 'flag', file: 'a file' }));
  return { assignments: [{ leaf, given: text.slice(split + 1), source }], problems: [] };
}

function readFlag(flag: string, value: string): Layer {
  const leaf = LEAF_BY_FLAG.get(flag);
  if (leaf) return { assignments: [{ leaf, given: value, source: `flag --${flag}` }], problems: [] };
  const guess = nearest(flag, LEAF_BY_FLAG.keys());
  return refused({
    key: `--${flag}`,
    source: 'flag',
    says: 'there is no such flag',
    mend: guess ? `did you mean --${guess}?` : 'see docs/configuration.md for the flags',
  });
}

export function refused(problem: ConfigProblem): Layer {
  return { assignments: [], problems: [problem] };
}

export function misplacedSecret(options: { key: string; source: string; place: string; file: string }): ConfigProblem {
  const { key, source, place, file } = options;
  const says = `a secret does not belong in a ${place}`;
  return { key, value: MASK, source, says, mend: `write it to ${file} and name that file in ${key}File` };
}

export function unknownKey(options: Pick<ConfigProblem, 'key' | 'value' | 'source'>): ConfigProblem {
  const guess = nearestKey(options.key);
  return {
    ...options,
    says: 'there is no such option',
    mend: guess ? `did you mean ${guess}?` : 'starling config --schema lists them all',
  };
}

function nearestKey(key: string): string | undefined {
  const keys = [...LEAF_BY_KEY.keys()];
  const guess = nearest(
    key,
    [...keys, ...GROUP_KEYS].filter((name) => name !== ''),
  );
  if (guess) return guess;
  // The right name in the wrong place is the other common slip.
  const name = key.split('.').at(-1);
  return keys.find((candidate) => candidate.split('.').at(-1) === name);
}

import { createHash } from 'node:crypto';
import convict from 'convict';
import { MASK } from '../lib/scrub.ts';
import type { Config } from './config.ts';
import { LEAVES, type Leaf, nested } from './declarations.ts';
import { type Bound, finishConfig, warningsOf } from './finish-config.ts';
import { type Assignment, CONFIG_FILES_ENV, type FlagInput, type Layer, readEnvironment, readFlags } from './layer.ts';
import type { Option } from './option.ts';
import { ConfigError, type ConfigProblem } from './problem.ts';
import type { Stored, ValueKind } from './value-kind.ts';
import { readYamlFile, readYamlLayer } from './yaml-layer.ts';

export interface ConfigInput extends FlagInput {
  /** YAML files, the later before the earlier. Without any, those of STARLING_CONFIG. */
  readonly files?: readonly string[];
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** A YAML file that need not be on disk, before all others. */
  readonly base?: { readonly file: string; readonly text: string };
}

/** The value of one option, to be shown. Secrets are masked. */
export interface EffectiveOption {
  readonly key: string;
  /** Durations and sizes as text, with their unit. */
  readonly value: Stored | undefined;
  readonly source: string;
  readonly isDefault: boolean;
}

export interface LoadedConfig {
  readonly config: Config;
  readonly effective: readonly EffectiveOption[];
  /** What is allowed but better changed. */
  readonly warnings: readonly string[];
  /** Equal for equal configurations, and shows nothing of them. */
  readonly hash: string;
}

for (const kind of new Map(LEAVES.map(({ option }) => [option.format, option.kind])).values()) {
  convict.addFormat({
    name: kind.name,
    // Convict stops at the first text that throws here; what is left unread is a fault of validate, with all others.
    coerce(text: string) {
      try {
        return kind.read(text);
      } catch {
        return text;
      }
    },
    validate(value: Stored, option) {
      const rule = brokenRule(kind, value, option as unknown as Option);
      if (rule !== undefined) throw new Error(`must be ${rule}`);
    },
  });
}

/** Every declared option, as convict wants it. */
const SCHEMA = nested(LEAVES.map(({ key, env, option }) => [key, { ...option, env }])) as convict.Schema<
  Record<string, unknown>
>;

/**
 * Defaults, then files in their order, then the environment, then flags; the later wins. Throws ConfigError with
 * everything that is wrong in any layer, or with everything that does not go together.
 */
export function loadConfig(input: ConfigInput = {}): LoadedConfig {
  const bound = bind(input);
  const config = finishConfig(bound);
  const effective = LEAVES.map((leaf) => describe(leaf, bound));
  const compared = effective.filter(({ key }) => !OF_ONE_MEMBER.has(key)).map(({ key, value }) => [key, value]);
  return {
    config,
    effective,
    warnings: warningsOf(config, bound.sources),
    hash: createHash('sha256').update(JSON.stringify(compared)).digest('hex').slice(0, 12),
  };
}

/** Address and name differ between the members of a fleet; the hash says whether the members decide alike. */
const OF_ONE_MEMBER: ReadonlySet<string> = new Set(['member.address', 'member.idPrefix']);

/** The keys that any layer gives a value, also where values do not go together. Throws ConfigError when one is unreadable. */
export function givenKeys(input: ConfigInput): ReadonlySet<string> {
  return new Set(bind(input).sources.keys());
}

/** The files that are read: those of the command line, or else those of the environment. */
export function configFiles({ env = {}, files }: ConfigInput): readonly string[] {
  return files ?? (env[CONFIG_FILES_ENV] ?? '').split(',').filter((file) => file !== '');
}

/**
 * Convict merges files, environment and flags, in this order. It validates after each, because a fault that another
 * layer hides comes back on the day that one goes. Throws ConfigError with everything that cannot be read.
 */
function bind(input: ConfigInput): Bound {
  const { env = {}, base } = input;
  const outside: { env: NodeJS.ProcessEnv; args: string[] } = { env: {}, args: [] };
  const values = convict(SCHEMA, outside);
  const layers: Layer[] = [];
  const faults: ConfigProblem[] = [];
  let broken: ReadonlyMap<string, string> = new Map();
  const add = (layer: Layer, apply: () => void) => {
    apply();
    broken = faultsOf(values);
    layers.push(layer);
    faults.push(...layer.assignments.flatMap((assignment) => problemOf(assignment, broken)));
  };

  for (const file of [...(base ? [readYamlLayer(base)] : []), ...configFiles(input).map(readYamlFile)]) {
    add(file, () => values.load(nested(file.assignments.map(({ leaf, given }) => [leaf.key, given]))));
  }
  const environment = readEnvironment(env);
  add(environment, () => {
    outside.env = Object.fromEntries(environment.assignments.map(({ leaf, given }) => [leaf.env, String(given)]));
    values.load({});
  });
  // Not as arguments: convict's own parser would make numbers of ids.
  for (const flag of readFlags(input)) {
    add(flag, () => {
      for (const { leaf, given } of flag.assignments) values.set(leaf.key, given);
    });
  }

  const problems = [...layers.flatMap((layer) => layer.problems), ...faults];
  if (problems.length > 0) throw new ConfigError(problems);
  // The faults of all layers were found above; what is left is a default of ours.
  if (broken.size > 0) throw new TypeError(`these defaults break their rules: ${[...broken.keys()].join(', ')}`);
  return {
    read: (key) => values.get(key) as Stored | undefined,
    sources: new Map(layers.flatMap(({ assignments }) => assignments.map(({ leaf, source }) => [leaf.key, source]))),
  };
}

/** The rule that a value breaks, to stand after "must be". */
function brokenRule(kind: ValueKind, value: Stored, option: Option): string | undefined {
  const { min, max, choices, pattern, patternSays } = option;
  if (typeof value === 'number') {
    if (min !== undefined && value < Number(kind.read(min))) return `at least ${min}`;
    if (max !== undefined && value > Number(kind.read(max))) return `at most ${max}`;
    return undefined;
  }
  if (typeof value === 'object' && !kind.isList) return 'one value, not a list';
  const texts = typeof value === 'object' ? value : [String(value)];
  try {
    if (typeof value === 'string') kind.read(value);
  } catch (error) {
    return (error as Error).message;
  }
  if (choices && !choices.includes(String(value))) return `one of ${choices.join(', ')}`;
  if (kind.item && !texts.every((text) => kind.item?.pattern.test(text))) return kind.item.says;
  if (pattern && !texts.every((text) => pattern.test(text))) return patternSays ?? `like ${pattern.source}`;
  return undefined;
}

/** What is wrong, by key. Convict puts it into one text, a line each: `key: rule: value was "…"`. */
function faultsOf(values: convict.Config<Record<string, unknown>>): ReadonlyMap<string, string> {
  try {
    values.validate({ allowed: 'strict' });
    return new Map();
  } catch (error) {
    const lines = (error as Error).message.split('\n').map((line) => /^(.+?): (.*?)(?:: value was .*)?$/s.exec(line));
    return new Map(lines.flatMap((line) => (line ? [[line[1] ?? '', line[2] ?? '']] : [])));
  }
}

/** The same with its place and what to do about it. */
function problemOf({ leaf, given, source }: Assignment, broken: ReadonlyMap<string, string>): ConfigProblem[] {
  const says = broken.get(leaf.key);
  if (says === undefined) return [];
  const { default: fallback, sensitive } = leaf.option;
  const value = sensitive ? MASK : String(given);
  const mend = fallback ? `write it like ${fallback} (the default), or leave it out` : 'see docs/configuration.md';
  return [{ key: leaf.key, value, source, says, mend }];
}

function describe({ key, option: { kind, sensitive } }: Leaf, { read, sources }: Bound): EffectiveOption {
  const value = read(key);
  const source = sources.get(key);
  return {
    key,
    value: value === undefined ? undefined : sensitive ? MASK : kind.suffix === '' ? value : kind.show(value),
    source: source ?? 'default',
    isDefault: source === undefined,
  };
}

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import convict from 'convict';
import { type Assignment, faultOf, type Layer } from './assignment.ts';
import type { Config, PlainConfig } from './config.ts';
import { crossCheck } from './cross-checks.ts';
import { DECLARATIONS, LEAF_BY_KEY, LEAVES, type Leaf } from './declarations.ts';
import { type Conflict, type Derived, deriveDefaultPolicy, deriveStoreTarget } from './derive.ts';
import { CONFIG_FILES_ENV, readEnvLayer } from './env-layer.ts';
import { type FlagInput, readFlagLayer } from './flag-layer.ts';
import { Option, type OptionGroup, SecretOption } from './option.ts';
import { ConfigError, type ConfigProblem } from './problem.ts';
import { Secret, type SecretRef } from './secret.ts';
import type { Stored } from './value-kind.ts';
import { readYamlLayer } from './yaml-layer.ts';

export interface ConfigInput extends FlagInput {
  /** YAML files, the later before the earlier. Without any, those of STARLING_CONFIG. */
  readonly files?: readonly string[];
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** A YAML file that need not be on disk, before all others. */
  readonly base?: { readonly file: string; readonly text: string };
}

/** One option as it came out, for people. Secrets are masked. */
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
  /** Tells two configurations apart without showing them. */
  readonly hash: string;
}

type Bound = convict.Config<Record<string, unknown>>;

for (const { name, read } of new Map(LEAVES.map(({ option }) => [option.kind.name, option.kind])).values()) {
  convict.addFormat({
    name: formatName(name),
    // Every layer is read to the end before anything is judged, so text that cannot be read stays as it is here.
    coerce: (text: string) => (name === 'choice' ? text : (attempt(() => read(text)) ?? text)),
    validate(value: Stored, schema) {
      const rule = LEAF_BY_KEY.get(String(schema['key']))?.option.fault(value);
      if (rule !== undefined) throw new Error(`must be ${rule}`);
    },
  });
}

/**
 * Defaults, then files in their order, then the environment, then flags; the later wins. Throws ConfigError with
 * everything that is wrong in any layer, because a fault that another layer hides comes back on the day that one goes.
 */
export function loadConfig(input: ConfigInput = {}): LoadedConfig {
  const { env = {} } = input;
  const { fileLayers, assignments } = readLayers(input);
  const bound = bind(fileLayers, env, assignments);
  const sources = new Map(assignments.map(({ leaf, source }) => [leaf.key, source]));
  const config = check(typed(bound), sources);
  const effective = LEAVES.map((leaf) => describe(leaf, bound, sources));
  return {
    config,
    effective,
    warnings: warningsOf(config, sources),
    hash: createHash('sha256')
      .update(
        JSON.stringify(effective.filter(({ key }) => !OF_ONE_MEMBER.has(key)).map(({ key, value }) => [key, value])),
      )
      .digest('hex')
      .slice(0, 12),
  };
}

/** Where a member is and what it is called differs in every fleet; the hash tells whether its members decide alike. */
const OF_ONE_MEMBER: ReadonlySet<string> = new Set(['member.address', 'member.idPrefix']);

/** The keys that anybody gave a value, whether the values go together or not. Throws ConfigError when one cannot be read. */
export function givenKeys(input: ConfigInput): ReadonlySet<string> {
  return new Set(readLayers(input).assignments.map(({ leaf }) => leaf.key));
}

/** The files that are read: those of the command line, or else those of the environment. */
export function configFiles({ env = {}, files }: ConfigInput): readonly string[] {
  return files ?? (env[CONFIG_FILES_ENV] ?? '').split(',').filter((file) => file !== '');
}

function readLayers(input: ConfigInput): { fileLayers: readonly Layer[]; assignments: readonly Assignment[] } {
  const { env = {}, base } = input;
  const fileLayers = [...(base ? [readYamlLayer(base)] : []), ...configFiles(input).map(readFileLayer)];
  const layers: Layer[] = [...fileLayers, readEnvLayer(env), readFlagLayer(input)];
  const assignments = layers.flatMap((layer) => layer.assignments);
  const problems = [
    ...layers.flatMap((layer) => layer.problems),
    ...assignments.flatMap((assignment) => faultOf(assignment) ?? []),
  ];
  if (problems.length > 0) throw new ConfigError(problems);
  return { fileLayers, assignments };
}

function readFileLayer(file: string): Layer {
  try {
    return readYamlLayer({ file, text: readFileSync(file, 'utf8') });
  } catch (error) {
    const problem: ConfigProblem = {
      key: file,
      value: undefined,
      source: 'flag --config or STARLING_CONFIG',
      says: whyUnread(error as NodeJS.ErrnoException),
      mend: 'check the path and its permissions',
    };
    return { assignments: [], problems: [problem] };
  }
}

function whyUnread({ code, message }: NodeJS.ErrnoException): string {
  if (code === 'ENOENT') return 'there is no such file';
  if (code === 'EISDIR') return 'is a folder; name a file';
  return `cannot be read: ${message}`;
}

/** Convict keeps the layers in order. Flags are set last by key: its own parser would make numbers of ids. */
function bind(
  files: readonly Layer[],
  env: Readonly<Record<string, string | undefined>>,
  all: readonly Assignment[],
): Bound {
  const present = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ''));
  const bound: Bound = convict(schemaOf(DECLARATIONS, []), { env: present, args: [] });
  for (const { assignments } of files) bound.load(nest(assignments));
  for (const { leaf, given, source } of all) if (source.startsWith('flag ')) bound.set(leaf.key, given);
  bound.validate({ allowed: 'strict' });
  return bound;
}

function schemaOf(group: OptionGroup, path: readonly string[]): convict.Schema<Record<string, unknown>> {
  const schema: Record<string, unknown> = {};
  for (const [name, node] of Object.entries(group)) {
    const here = [...path, name];
    if (node instanceof SecretOption) {
      schema[name] = leafSchema(leafAt(here));
      schema[`${name}File`] = leafSchema(leafAt([...path, `${name}File`]));
    } else schema[name] = node instanceof Option ? leafSchema(leafAt(here)) : schemaOf(node, here);
  }
  return schema as convict.Schema<Record<string, unknown>>;
}

function leafSchema({ key, env, option }: Leaf): convict.SchemaObj {
  return {
    key,
    env,
    doc: option.doc,
    format: formatName(option.kind.name) as '*',
    default: option.defaultText === undefined ? null : option.kind.read(option.defaultText),
    nullable: option.defaultText === undefined,
    sensitive: option.rules.isSensitive === true,
  };
}

function nest(assignments: readonly Assignment[]): Record<string, unknown> {
  const tree: Record<string, unknown> = {};
  for (const { leaf, given } of assignments) {
    const path = leaf.key.split('.');
    let branch = tree;
    for (const part of path.slice(0, -1)) {
      branch[part] ??= {};
      branch = branch[part] as Record<string, unknown>;
    }
    branch[path.at(-1) ?? ''] = given;
  }
  return tree;
}

function typed(bound: Bound): PlainConfig {
  const build = (group: OptionGroup, path: readonly string[]): Record<string, unknown> => {
    const result: Record<string, unknown> = {};
    for (const [name, node] of Object.entries(group)) {
      const here = [...path, name];
      if (node instanceof SecretOption) result[name] = secretAt(bound, here.join('.'));
      else if (node instanceof Option) result[`${name}${node.kind.suffix}`] = finished(bound, here.join('.'), node);
      else result[name] = build(node, here);
    }
    return Object.freeze(result);
  };
  return build(DECLARATIONS, []) as PlainConfig;
}

function finished(bound: Bound, key: string, option: Option<unknown, string>): unknown {
  const stored = storedAt(bound, key);
  return stored === null ? undefined : option.kind.finish(stored);
}

function secretAt(bound: Bound, key: string): SecretRef {
  const inline = storedAt(bound, key);
  const file = storedAt(bound, `${key}File`);
  return Object.freeze({
    file: file === null ? undefined : String(file),
    inline: inline === null ? undefined : new Secret(String(inline)),
  });
}

function check(plain: PlainConfig, sources: ReadonlyMap<string, string>): Config {
  const storeTarget = deriveStoreTarget(plain, (key) => sources.has(key));
  const defaultPolicy = deriveDefaultPolicy(plain);
  const conflicts = [
    ...crossCheck(plain),
    ...bothWays(sources),
    ...conflictsOf(storeTarget),
    ...conflictsOf(defaultPolicy),
  ];
  if (conflicts.length > 0 || !storeTarget.ok || !defaultPolicy.ok) {
    throw new ConfigError(
      conflicts.map((conflict) => ({ ...conflict, value: undefined, source: sources.get(conflict.key) ?? 'default' })),
    );
  }
  return Object.freeze({ ...plain, storeTarget: storeTarget.value, defaultPolicy: defaultPolicy.value });
}

function conflictsOf(derived: Derived<unknown>): readonly Conflict[] {
  return derived.ok ? [] : derived.conflicts;
}

function bothWays(sources: ReadonlyMap<string, string>): Conflict[] {
  return secretKeys()
    .filter((key) => sources.has(key) && sources.has(`${key}File`))
    .map((key) => ({
      key,
      says: `is given twice: as a value and as ${key}File`,
      mend: `keep ${key}File and unset the value`,
    }));
}

function warningsOf({ store, timeseries, controlPlane }: Config, sources: ReadonlyMap<string, string>): string[] {
  const insecure = {
    'store.cassandra': store.cassandra.tls,
    timeseries: timeseries.tls,
    controlPlane: controlPlane.tls,
  };
  return [
    ...secretKeys()
      .filter((key) => sources.has(key))
      .map((key) => `${key} comes from the ${sources.get(key)}: fit for development; elsewhere use ${key}File`),
    ...Object.entries(insecure)
      .filter(([, tls]) => tls.insecure)
      .map(([key]) => `${key}.tls.insecure is set: the other side of the connection is not verified`),
    ...(controlPlane.fencing === 'plain'
      ? ['controlPlane.fencing is plain: the order of writes is bounded and healed, not promised']
      : []),
  ];
}

function describe(leaf: Leaf, bound: Bound, sources: ReadonlyMap<string, string>): EffectiveOption {
  const stored = storedAt(bound, leaf.key);
  const isSensitive = leaf.option.rules.isSensitive === true;
  const source = sources.get(leaf.key);
  return {
    key: leaf.key,
    value: stored === null ? undefined : isSensitive ? '[redacted]' : shown(leaf, stored),
    source: source ?? 'default',
    isDefault: source === undefined,
  };
}

function shown({ option }: Leaf, stored: Stored): Stored {
  return option.kind.suffix === '' ? stored : option.kind.show(stored);
}

function storedAt(bound: Bound, key: string): Stored | null {
  return bound.get(key as never) as Stored | null;
}

function leafAt(path: readonly string[]): Leaf {
  const leaf = LEAF_BY_KEY.get(path.join('.'));
  if (!leaf) throw new Error(`impossible: ${path.join('.')} is declared but was not collected`);
  return leaf;
}

function secretKeys(): string[] {
  return LEAVES.filter((leaf) => leaf.option.rules.isSensitive).map((leaf) => leaf.key);
}

function formatName(kind: string): string {
  return `starling ${kind}`;
}

function attempt<Value>(work: () => Value): Value | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}

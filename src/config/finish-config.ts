import type { Config, PlainConfig } from './config.ts';
import { crossCheck } from './cross-checks.ts';
import { LEAVES, nested, SECRET_KEYS } from './declarations.ts';
import { type Conflict, deriveDefaultPolicy, deriveStoreTarget } from './derive.ts';
import { ConfigError } from './problem.ts';
import { Secret, type SecretRef } from './secret.ts';
import type { Stored } from './value-kind.ts';

/** What all layers together say. */
export interface Bound {
  /** Undefined: unset. */
  read(key: string): Stored | undefined;
  /** Where each key got its value, if any layer gave it one. */
  readonly sources: ReadonlyMap<string, string>;
}

/** Types every value and checks them together. Throws ConfigError with everything that does not go together. */
export function finishConfig(bound: Bound): Config {
  const plain = typed(bound);
  const { sources } = bound;
  const { storeTarget, conflicts: inStore } = deriveStoreTarget(plain, (key) => sources.has(key));
  const { policy: defaultPolicy, conflicts: inPolicy } = deriveDefaultPolicy(plain);
  const conflicts = [...crossCheck(plain), ...givenTwice(sources), ...inStore, ...inPolicy];
  if (conflicts.length > 0 || !defaultPolicy) {
    throw new ConfigError(conflicts.map((each) => ({ ...each, source: sources.get(each.key) ?? 'default' })));
  }
  return Object.freeze({ ...plain, storeTarget, defaultPolicy });
}

function typed({ read }: Bound): PlainConfig {
  const entries = LEAVES.flatMap(({ key, option: { kind, sensitive } }): [string, unknown][] => {
    const value = read(key);
    if (sensitive) return [[key, secretRef(value, read(`${key}File`))]];
    if (SECRET_FILE_KEYS.has(key)) return [];
    return [[`${key}${kind.suffix}`, value === undefined ? undefined : kind.finish(value)]];
  });
  return nested(entries) as unknown as PlainConfig;
}

const SECRET_FILE_KEYS: ReadonlySet<string> = new Set(SECRET_KEYS.map((key) => `${key}File`));

function secretRef(inline: Stored | undefined, file: Stored | undefined): SecretRef {
  return Object.freeze({
    file: file === undefined ? undefined : String(file),
    inline: inline === undefined ? undefined : new Secret(String(inline)),
  });
}

function givenTwice(sources: ReadonlyMap<string, string>): Conflict[] {
  return SECRET_KEYS.filter((key) => sources.has(key) && sources.has(`${key}File`)).map((key) => ({
    key,
    says: `is given twice: as a value and as ${key}File`,
    mend: `keep ${key}File and unset the value`,
  }));
}

export function warningsOf(
  { store, timeseries, controlPlane }: Config,
  sources: ReadonlyMap<string, string>,
): string[] {
  const insecure = {
    'store.cassandra': store.cassandra.tls,
    timeseries: timeseries.tls,
    controlPlane: controlPlane.tls,
  };
  return [
    ...SECRET_KEYS.filter((key) => sources.has(key)).map(
      (key) => `${key} comes from the ${sources.get(key)}: fit for development; elsewhere use ${key}File`,
    ),
    ...Object.entries(insecure)
      .filter(([, tls]) => tls.insecure)
      .map(([key]) => `${key}.tls.insecure is set: the other side of the connection is not verified`),
    ...(controlPlane.fencing === 'plain'
      ? ['controlPlane.fencing is plain: the order of writes is bounded and healed, not promised']
      : []),
  ];
}

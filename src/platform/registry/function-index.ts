import { compareIds } from '../../contract/scaling-targets.ts';
import type { FunctionRecord, Namespace } from '../model/function-record.ts';
import { PlatformError } from '../model/platform-error.ts';
import type { Sql } from './database.ts';
import type { RegisteredVersion } from './registered-version.ts';
import { type KeptFunction, readFunctions, readVersions } from './rows.ts';

/** Functions and versions in memory, by every key that is asked for. Read once at start; the registry keeps it level with the disk. */
export class FunctionIndex {
  readonly #records = new Map<string, FunctionRecord>();
  /** By alias. */
  readonly #functionIds = new Map<string, string>();
  readonly #names = new Map<string, string[]>();
  readonly #versions = new Map<string, RegisteredVersion>();
  readonly #versionsOf = new Map<string, RegisteredVersion[]>();
  readonly #deployments = new Map<string, string>();
  #order: string[] | undefined;

  constructor(sql: Sql) {
    for (const kept of readFunctions(sql)) this.putFunction(kept);
    for (const version of readVersions(sql)) this.putVersion(version);
  }

  /** One look-up in a map for each call of a function: the record is made when it changes, not when it is asked for. */
  find(id: string): FunctionRecord | undefined {
    const record = this.#records.get(id);
    if (record) return record;
    const functionId = this.#functionIds.get(id);
    return functionId === undefined ? undefined : this.#records.get(functionId);
  }

  findByName(namespace: Namespace, name: string): FunctionRecord | undefined {
    const [functionId] = this.#names.get(nameKey(namespace, name)) ?? [];
    return functionId === undefined ? undefined : this.#records.get(functionId);
  }

  functions(namespace: Namespace | undefined): readonly FunctionRecord[] {
    const all = [...this.#records.values()];
    return namespace === undefined ? all : all.filter((record) => record.namespace === namespace);
  }

  version(versionId: string): RegisteredVersion | undefined {
    return this.#versions.get(versionId);
  }

  versionsOf(functionId: string): readonly RegisteredVersion[] {
    return this.#versionsOf.get(functionId) ?? [];
  }

  versions(): Iterable<RegisteredVersion> {
    return this.#versions.values();
  }

  sortedVersionIds(): readonly string[] {
    this.#order ??= [...this.#versions.keys()].sort(compareIds);
    return this.#order;
  }

  findByDeployment(deploymentId: string): RegisteredVersion | undefined {
    return this.#versions.get(this.#deployments.get(deploymentId) ?? '');
  }

  /** The function as it would be kept with these changes. */
  kept(functionId: string, change: Partial<KeptFunction>): KeptFunction {
    const kept = this.#records.get(functionId);
    if (!kept) throw new PlatformError('function-unknown', 'there is no such function');
    return { ...kept, ...change };
  }

  /** Its status is that of the active version. */
  putFunction(kept: KeptFunction): void {
    const { functionId, namespace, name, aliases, activeVersionId } = kept;
    const before = this.#records.get(functionId);
    if (before?.name !== name) {
      if (before) this.#dropName(before);
      const key = nameKey(namespace, name);
      this.#names.set(key, [...(this.#names.get(key) ?? []), functionId]);
    }
    for (const alias of aliases) this.#functionIds.set(alias, functionId);
    const active = activeVersionId === undefined ? undefined : this.#versions.get(activeVersionId);
    this.#records.set(functionId, { ...kept, status: active?.status ?? 'INACTIVE' });
  }

  removeFunction(functionId: string): void {
    const record = this.#records.get(functionId);
    if (!record) return;
    for (const version of [...this.versionsOf(functionId)]) this.removeVersion(version.versionId);
    for (const alias of record.aliases) this.#functionIds.delete(alias);
    this.#dropName(record);
    this.#records.delete(functionId);
    this.#versionsOf.delete(functionId);
  }

  putVersion(version: RegisteredVersion): void {
    const { versionId, functionId, deploymentId } = version;
    const isNew = !this.#versions.has(versionId);
    if (isNew) this.#order = undefined;
    this.#versions.set(versionId, version);
    this.#deployments.set(deploymentId, versionId);
    const others = this.#versionsOf.get(functionId) ?? [];
    const all = isNew ? [...others, version] : others.map((other) => (other.versionId === versionId ? version : other));
    this.#versionsOf.set(functionId, all);
    const record = this.#records.get(functionId);
    if (record) this.putFunction(record);
  }

  removeVersion(versionId: string): void {
    const version = this.#versions.get(versionId);
    if (!version) return;
    this.#order = undefined;
    this.#versions.delete(versionId);
    this.#deployments.delete(version.deploymentId);
    const others = this.versionsOf(version.functionId).filter((other) => other.versionId !== versionId);
    this.#versionsOf.set(version.functionId, others);
  }

  #dropName({ namespace, name, functionId }: KeptFunction): void {
    const key = nameKey(namespace, name);
    const left = (this.#names.get(key) ?? []).filter((each) => each !== functionId);
    if (left.length > 0) this.#names.set(key, left);
    else this.#names.delete(key);
  }
}

/** Namespaces have no slash in them. */
function nameKey(namespace: Namespace, name: string): string {
  return `${namespace}/${name}`;
}

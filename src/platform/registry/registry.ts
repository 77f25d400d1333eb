import type { Clock } from '../../lib/clock.ts';
import type { Random } from '../../lib/random.ts';
import { deployIdOf } from '../model/deploy-id.ts';
import type { Code, FunctionRecord, Namespace, TriggerRecord, VersionRecord } from '../model/function-record.ts';
import { PlatformError } from '../model/platform-error.ts';
import { keepCode, readCode, sweepCode } from './code-store.ts';
import { explainFileError, openRegistryDatabase, Sql } from './database.ts';
import { FunctionIndex } from './function-index.ts';
import { GoneVersions } from './gone-versions.ts';
import { MessageTable } from './message-table.ts';
import {
  checkName,
  checkNewFunction,
  DEFAULT_ACCOUNT,
  makeVersion,
  type NewFunction,
  type NewVersion,
  type VersionPlace,
} from './new-version.ts';
import type { RegisteredVersion } from './registered-version.ts';
import { type KeptFunction, writeFunction, writeVersion } from './rows.ts';
import { TriggerTable } from './trigger-table.ts';
import { WishTable } from './wish-table.ts';

export interface RegistryOptions {
  /** The file; `:memory:` keeps nothing. */
  readonly path: string;
  readonly clock: Clock;
  readonly random: Random;
}

export type RegistryChange =
  /** Made, or its settings, status or policy are others now. */
  | { readonly kind: 'version-changed'; readonly version: RegisteredVersion }
  | { readonly kind: 'version-removed'; readonly version: RegisteredVersion }
  | { readonly kind: 'function-changed' | 'function-removed'; readonly record: FunctionRecord };

export type VersionPatch = Partial<
  Pick<RegisteredVersion, 'pool' | 'launch' | 'status' | 'statusDetail' | 'configuration' | 'policy'>
>;

/**
 * What functions there are. Every change is on disk before it is answered, and questions are answered from memory. Code is
 * not kept in memory.
 */
export class Registry {
  readonly wishes: WishTable;
  readonly triggers: TriggerTable;
  readonly messages: MessageTable;
  readonly #sql: Sql;
  readonly #index: FunctionIndex;
  readonly #gone: GoneVersions;
  readonly #options: RegistryOptions;
  readonly #listeners = new Set<(change: RegistryChange) => void>();

  /** Throws a RegistryFileError when the file cannot be used. */
  constructor(options: RegistryOptions) {
    this.#options = options;
    this.#sql = new Sql(openRegistryDatabase(options.path));
    try {
      this.#index = new FunctionIndex(this.#sql);
      this.wishes = new WishTable(this.#sql, options.clock);
      this.#gone = new GoneVersions(this.#sql, options.clock, this.wishes);
      this.#forgetGone();
    } catch (error) {
      // A file can be opened and damaged further in.
      this.#sql.close();
      throw explainFileError(error, options.path);
    }
    this.triggers = new TriggerTable(this.#sql);
    this.messages = new MessageTable(this.#sql);
  }

  close(): void {
    this.#sql.close();
  }

  /** Calls the listener after each change, when it is on disk and in memory. Returns what ends it. */
  onChange(listener: (change: RegistryChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** By function id, or by an alias of it. */
  find(id: string): FunctionRecord | undefined {
    return this.#index.find(id);
  }

  /** The oldest of that name: only the orchestrator's namespace has several. */
  findByName(namespace: Namespace, name: string): FunctionRecord | undefined {
    return this.#index.findByName(namespace, name);
  }

  /** In the order in which they were made. */
  functions(namespace?: Namespace): readonly FunctionRecord[] {
    return this.#index.functions(namespace);
  }

  version(versionId: string): RegisteredVersion | undefined {
    return this.#index.version(versionId);
  }

  /** Oldest first. */
  versionsOf(functionId: string): readonly RegisteredVersion[] {
    return this.#index.versionsOf(functionId);
  }

  versions(): Iterable<RegisteredVersion> {
    return this.#index.versions();
  }

  /** The version ids in the order of pages. */
  sortedVersionIds(): readonly string[] {
    return this.#index.sortedVersionIds();
  }

  findByDeployment(deploymentId: string): RegisteredVersion | undefined {
    return this.#index.findByDeployment(deploymentId);
  }

  /** It was here and was deleted, within the last month. */
  isGone(versionId: string): boolean {
    return this.#index.version(versionId) === undefined && this.#gone.has(versionId);
  }

  /** Reads from disk. Throws `no-code` when it is not there any more. */
  codeOf(version: Pick<VersionRecord, 'versionId'>): Code {
    const codeHash = this.#index.version(version.versionId)?.codeHash;
    if (codeHash === undefined) throw new PlatformError('no-code', 'this version was deleted');
    return readCode(this.#sql, codeHash);
  }

  create(request: NewFunction): { readonly record: FunctionRecord; readonly version: RegisteredVersion } {
    const { clock, random } = this.#options;
    const functionId = request.functionId ?? random.uuid();
    checkNewFunction(functionId, request, this.#index);
    const nowMs = clock.wallMs();
    const account = request.account ?? DEFAULT_ACCOUNT;
    const version = this.#newVersion(request, { functionId, account, number: 1 });
    const kept: KeptFunction = {
      functionId,
      namespace: request.namespace,
      name: request.name,
      account,
      aliases: request.aliases ?? [],
      activeVersionId: version.versionId,
      triggers: request.triggers ?? [],
      createdMs: nowMs,
      updatedMs: nowMs,
    };
    this.#sql.transaction(() => {
      writeFunction(this.#sql, kept);
      for (const alias of kept.aliases) this.#sql.run('INSERT INTO aliases VALUES (?, ?)', alias, functionId);
      keepCode(this.#sql, version.codeHash, request.code);
      writeVersion(this.#sql, version);
    });
    this.#index.putFunction(kept);
    this.#putVersion(version);
    return { record: this.#recordOf(functionId), version };
  }

  /** A new version becomes the one that the function's own id means, unless `isActive` is false; the older ones stay. */
  addVersion(
    functionId: string,
    request: NewVersion,
    { isActive = true }: { isActive?: boolean } = {},
  ): RegisteredVersion {
    const record = this.#recordOf(functionId);
    const number = (this.#index.versionsOf(functionId).at(-1)?.number ?? 0) + 1;
    const version = this.#newVersion(request, { functionId, account: record.account, number });
    const kept = this.#index.kept(functionId, {
      updatedMs: this.#options.clock.wallMs(),
      ...(isActive ? { activeVersionId: version.versionId } : {}),
    });
    this.#sql.transaction(() => {
      keepCode(this.#sql, version.codeHash, request.code);
      writeVersion(this.#sql, version);
      writeFunction(this.#sql, kept);
    });
    this.#index.putFunction(kept);
    this.#putVersion(version);
    this.#notify({ kind: 'function-changed', record: this.#recordOf(functionId) });
    return version;
  }

  updateFunction(
    functionId: string,
    change: { name?: string; triggers?: readonly TriggerRecord[]; activeVersionId?: string },
  ): FunctionRecord {
    const { namespace, name } = this.#recordOf(functionId);
    if (change.name !== undefined && change.name !== name) checkName({ namespace, name: change.name }, this.#index);
    if (change.activeVersionId !== undefined) {
      const chosen = this.#index.version(change.activeVersionId);
      if (chosen?.functionId !== functionId) {
        throw new PlatformError('version-unknown', 'the function has no such version', { field: 'activeVersionId' });
      }
    }
    const kept = this.#index.kept(functionId, { ...change, updatedMs: this.#options.clock.wallMs() });
    this.#sql.transaction(() => writeFunction(this.#sql, kept));
    this.#index.putFunction(kept);
    const record = this.#recordOf(functionId);
    this.#notify({ kind: 'function-changed', record });
    return record;
  }

  /** The deploy id follows the launch settings. Listeners retire the instances of the old one. */
  updateVersion(versionId: string, patch: VersionPatch): RegisteredVersion {
    const before = this.#versionOf(versionId);
    const launch = patch.launch ?? before.launch;
    const deployId = patch.launch ? deployIdOf({ codeHash: before.codeHash, launch }) : before.deployId;
    const version: RegisteredVersion = { ...before, ...patch, launch, deployId };
    this.#sql.transaction(() => writeVersion(this.#sql, version));
    this.#putVersion(version);
    return version;
  }

  removeFunction(functionId: string): void {
    const record = this.#recordOf(functionId);
    const versions = this.#index.versionsOf(functionId);
    this.#sql.transaction(() => {
      for (const version of versions) this.#gone.add(version);
      this.#sql.run('DELETE FROM functions WHERE function_id = ?', functionId);
      sweepCode(this.#sql);
    });
    this.#index.removeFunction(functionId);
    this.#forgetGone();
    for (const version of versions) this.#notify({ kind: 'version-removed', version });
    this.#notify({ kind: 'function-removed', record: { ...record, status: 'DELETED' } });
  }

  /** The version that is active goes with its function, or after another one was made active. */
  removeVersion(versionId: string): void {
    const version = this.#versionOf(versionId);
    if (this.#recordOf(version.functionId).activeVersionId === versionId) {
      throw new PlatformError('not-active', 'this is the active version: activate another one, or delete the function');
    }
    this.#sql.transaction(() => {
      this.#gone.add(version);
      this.#sql.run('DELETE FROM versions WHERE version_id = ?', versionId);
      sweepCode(this.#sql);
    });
    this.#index.removeVersion(versionId);
    this.#forgetGone();
    this.#notify({ kind: 'version-removed', version });
  }

  #forgetGone(): void {
    this.#gone.forgetOld((versionId) => this.#index.version(versionId) !== undefined);
  }

  #newVersion(request: NewVersion, place: VersionPlace): RegisteredVersion {
    return makeVersion(request, place, { index: this.#index, ...this.#options });
  }

  #putVersion(version: RegisteredVersion): void {
    this.#index.putVersion(version);
    this.#notify({ kind: 'version-changed', version });
  }

  #recordOf(functionId: string): FunctionRecord {
    const record = this.#index.find(functionId);
    if (record?.functionId !== functionId) throw new PlatformError('function-unknown', 'there is no such function');
    return record;
  }

  #versionOf(versionId: string): RegisteredVersion {
    const version = this.#index.version(versionId);
    if (!version) throw new PlatformError('version-unknown', 'there is no such version');
    return version;
  }

  #notify(change: RegistryChange): void {
    for (const listener of this.#listeners) listener(change);
  }
}

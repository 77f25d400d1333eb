import type { FunctionRecord, Namespace } from '../model/function-record.ts';
import { PlatformError } from '../model/platform-error.ts';
import type { RegisteredVersion } from '../registry/registered-version.ts';
import type { Registry } from '../registry/registry.ts';

/** Which functions a dialect knows. */
export interface NamespaceRule {
  /** Of the functions that it registers. */
  readonly namespace: Namespace;
  /** What it finds by id or alias: its own functions, those of every dialect, or none. */
  readonly byId: 'own' | 'all' | 'none';
  /** Whether it finds its own functions by name. */
  readonly byName: boolean;
  /** How it says that there is no such function. */
  unknown(id: string): string;
}

/** Finds functions as the rule of a dialect says. */
export class FunctionFinder {
  readonly #registry: Registry;
  readonly #rule: NamespaceRule;

  constructor(registry: Registry, rule: NamespaceRule) {
    this.#registry = registry;
    this.#rule = rule;
  }

  /** Those of the dialect itself. */
  all(): readonly FunctionRecord[] {
    return this.#registry.functions(this.#rule.namespace);
  }

  get(id: string): FunctionRecord | undefined {
    const { namespace, byId, byName } = this.#rule;
    const record = byId === 'none' ? undefined : this.#registry.find(id);
    if (record && (byId === 'all' || record.namespace === namespace)) return record;
    return byName ? this.#registry.findByName(namespace, id) : undefined;
  }

  /** Throws `function-unknown`. */
  find(id: string): FunctionRecord {
    const record = this.get(id);
    if (record) return record;
    throw new PlatformError('function-unknown', this.#rule.unknown(id));
  }

  /** The version that answers calls now. Throws `not-active`. */
  activeVersion({ activeVersionId }: FunctionRecord): RegisteredVersion {
    const version = activeVersionId === undefined ? undefined : this.#registry.version(activeVersionId);
    if (version) return version;
    throw new PlatformError('not-active', 'the function has no active version');
  }

  /** Throws `version-unknown`. */
  versionOf({ functionId }: FunctionRecord, versionId: string): RegisteredVersion {
    const version = this.#registry.version(versionId);
    if (version?.functionId === functionId) return version;
    throw new PlatformError('version-unknown', 'the function has no such version');
  }
}

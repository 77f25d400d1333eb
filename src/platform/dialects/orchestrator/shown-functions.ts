import type { FunctionRecord, VersionRecord } from '../../model/function-record.ts';
import type { Registry } from '../../registry/registry.ts';

/** A function as this dialect speaks of it. */
export interface ShownFunction {
  readonly id: string;
  readonly name: string;
}

/** Its `fn-…` id; the registry knows it as an alias, for there ids are UUIDs. */
export function shownId({ aliases, functionId }: FunctionRecord): string {
  return aliases[0] ?? functionId;
}

/**
 * Which version belongs to which function, for those who hear of instances. A function that is deleted is forgotten only
 * after its instances were told to end.
 */
export class ShownFunctions {
  readonly #registry: Registry;
  readonly #byVersion = new Map<string, ShownFunction>();

  constructor(registry: Registry) {
    this.#registry = registry;
    for (const { functionId } of registry.functions('orchestrator')) this.#put(functionId);
    registry.onChange((change) => {
      if (change.kind === 'version-removed') this.#byVersion.delete(change.version.versionId);
      else if (change.kind === 'version-changed') this.#put(change.version.functionId);
      else if (change.kind === 'function-changed') this.#put(change.record.functionId);
    });
  }

  /** Undefined: it is the function of another dialect. */
  of({ versionId }: Pick<VersionRecord, 'versionId'>): ShownFunction | undefined {
    return this.#byVersion.get(versionId);
  }

  #put(functionId: string): void {
    const record = this.#registry.find(functionId);
    if (record?.namespace !== 'orchestrator') return;
    const shown = { id: shownId(record), name: record.name };
    for (const { versionId } of this.#registry.versionsOf(functionId)) this.#byVersion.set(versionId, shown);
  }
}

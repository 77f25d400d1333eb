import type { FunctionRecord, VersionRecord } from '../../model/function-record.ts';
import type { Registry } from '../../registry/registry.ts';

/** What this dialect calls a function. */
export interface FunctionLabel {
  readonly id: string;
  readonly name: string;
}

/** Its `fn-…` id; the registry knows it as an alias, for there ids are UUIDs. */
export function shownId({ aliases, functionId }: FunctionRecord): string {
  return aliases[0] ?? functionId;
}

export function labelOf(record: FunctionRecord): FunctionLabel {
  return { id: shownId(record), name: record.name };
}

/**
 * Which version belongs to which function, for listeners to events of instances. A function that is deleted is forgotten only
 * after its instances were ended.
 */
export class FunctionLabels {
  readonly #registry: Registry;
  readonly #byVersion = new Map<string, FunctionLabel>();

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
  of({ versionId }: Pick<VersionRecord, 'versionId'>): FunctionLabel | undefined {
    return this.#byVersion.get(versionId);
  }

  #put(functionId: string): void {
    const record = this.#registry.find(functionId);
    if (record?.namespace !== 'orchestrator') return;
    const label = labelOf(record);
    for (const { versionId } of this.#registry.versionsOf(functionId)) this.#byVersion.set(versionId, label);
  }
}

import type { FunctionRecord, Namespace } from '../model/function-record.ts';
import type { InvocationRequest, Invoker } from '../model/invocation.ts';
import { PlatformError } from '../model/platform-error.ts';
import type { ChildCall } from '../runtime/instance-backend.ts';

/** Makes a call that a function asked for while it served `parent`. */
export type ChildCaller = (parent: InvocationRequest, child: ChildCall) => Promise<Uint8Array>;

/** What is asked of the registry. */
export interface FunctionNames {
  version(versionId: string): { readonly functionId: string } | undefined;
  find(functionId: string): FunctionRecord | undefined;
  findByName(namespace: Namespace, name: string): FunctionRecord | undefined;
}

/**
 * A function calls others of its own namespace by name, and no others. Such a call is routed as every call, one level deeper,
 * and ends when the caller of the whole goes away.
 */
export function childCaller({ names, invoker }: { names: FunctionNames; invoker: () => Invoker }): ChildCaller {
  return async (parent, { functionName, payload }) => {
    const version = names.version(parent.versionId);
    const caller = version && names.find(version.functionId);
    const called = caller && names.findByName(caller.namespace, functionName);
    if (!called || called.account !== caller.account) {
      throw new PlatformError('function-unknown', 'there is no such function');
    }
    if (called.activeVersionId === undefined) throw new PlatformError('not-active', 'it has no active version');
    const { depth, signal } = parent;
    const { body } = await invoker().invoke({
      versionId: called.activeVersionId,
      payload,
      source: 'fanout',
      depth: depth + 1,
      signal,
    });
    return body;
  };
}

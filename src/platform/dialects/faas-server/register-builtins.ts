import type { Builtin } from '../../builtin/builtins.ts';
import type { PoolSettings } from '../../model/function-record.ts';
import type { Registry } from '../../registry/registry.ts';
import { DEFAULT_POOL } from '../../registry/version-settings.ts';
import type { FunctionFinder } from '../function-finder.ts';

const DAY_MS = 86_400_000;

/** A warm pool stays until it is taken back by hand. */
const POOL: PoolSettings = { ...DEFAULT_POOL, idleTtlMs: 30 * DAY_MS };

/**
 * Makes the built-in functions ordinary functions of the namespace `builtin`, and has them as this release and this mode want
 * them: an earlier run may have left others. What else was set on them by hand stays.
 */
export function registerBuiltins(
  registry: Registry,
  {
    builtins,
    functions,
    reuse,
  }: { builtins: ReadonlyMap<string, Builtin>; functions: FunctionFinder; reuse: PoolSettings['reuse'] },
): void {
  for (const { name, functionId } of functions.all()) {
    // Their code was part of another release, and is not here.
    if (!builtins.has(name)) registry.removeFunction(functionId);
  }
  for (const { name, code, launch } of builtins.values()) {
    const record = functions.get(name);
    if (!record) {
      registry.create({ namespace: 'builtin', name, launch, code, pool: { ...POOL, reuse } });
      continue;
    }
    const { versionId, pool, launch: before } = functions.activeVersion(record);
    const isOtherLaunch = JSON.stringify(before) !== JSON.stringify(launch);
    if (pool.reuse === reuse && !isOtherLaunch) continue;
    registry.updateVersion(versionId, { pool: { ...pool, reuse }, ...(isOtherLaunch ? { launch } : {}) });
  }
}

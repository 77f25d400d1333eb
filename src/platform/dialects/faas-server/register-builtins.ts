import type { Builtin } from '../../builtin/builtins.ts';
import type { PoolSettings } from '../../model/function-record.ts';
import { PlatformError } from '../../model/platform-error.ts';
import type { RegisteredVersion } from '../../registry/registered-version.ts';
import type { Registry } from '../../registry/registry.ts';
import { DEFAULT_POOL } from '../../registry/version-settings.ts';

const DAY_MS = 86_400_000;

/** A warm pool stays until it is taken back by hand. */
const POOL: PoolSettings = { ...DEFAULT_POOL, idleTtlMs: 30 * DAY_MS };

/**
 * Makes the built-in functions ordinary functions of the namespace `builtin`, and has them as this release and this mode want
 * them: an earlier run may have left others. What else was set on them by hand stays.
 */
export function registerBuiltins(
  registry: Registry,
  { builtins, reuse }: { builtins: ReadonlyMap<string, Builtin>; reuse: PoolSettings['reuse'] },
): void {
  for (const { name, functionId } of registry.functions('builtin')) {
    // Their code was part of another release, and is not here.
    if (!builtins.has(name)) registry.removeFunction(functionId);
  }
  for (const { name, code, launch } of builtins.values()) {
    const record = registry.findByName('builtin', name);
    if (!record) {
      registry.create({ namespace: 'builtin', name, launch, code, pool: { ...POOL, reuse } });
      continue;
    }
    const { versionId, pool, launch: before } = activeVersion(registry, name);
    const isOtherLaunch = JSON.stringify(before) !== JSON.stringify(launch);
    if (pool.reuse === reuse && !isOtherLaunch) continue;
    registry.updateVersion(versionId, { pool: { ...pool, reuse }, ...(isOtherLaunch ? { launch } : {}) });
  }
}

/** Throws `function-unknown`. */
export function activeVersion(registry: Registry, name: string): RegisteredVersion {
  const versionId = registry.findByName('builtin', name)?.activeVersionId;
  const version = versionId === undefined ? undefined : registry.version(versionId);
  if (!version) throw new PlatformError('function-unknown', `unknown function: ${name}`);
  return version;
}

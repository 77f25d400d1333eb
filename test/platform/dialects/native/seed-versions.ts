import type { Registry } from '../../../../src/platform/registry/registry.ts';
import { DEFAULT_POOL } from '../../../../src/platform/registry/version-settings.ts';
import type { VersionSeed } from '../../../support/control-plane/double-fleet.ts';

let named = 0;

/** Makes versions exist as the contract suite asks for them, ids of any kind included. */
export function seedVersions(registry: Registry, seeds: readonly VersionSeed[]): void {
  for (const seed of seeds) {
    const { versionId, minInstances, maxInstances } = seed;
    const before = registry.version(versionId);
    const pool = { ...(before?.pool ?? { ...DEFAULT_POOL, instancesMax: 100 }) };
    if (minInstances !== undefined) pool.instancesMin = minInstances;
    if (maxInstances !== undefined) pool.instancesMax = maxInstances;
    const status = seed.status === 'DELETED' ? undefined : seed.status;
    if (before) {
      registry.updateVersion(versionId, { pool, ...(status ? { status } : {}) });
      continue;
    }
    named += 1;
    const functionId = seed.functionId ?? `function-of-${versionId}`;
    const request = {
      versionId,
      launch: {
        runtime: 'node24',
        handler: 'index.handler',
        timeoutMs: 1_000,
        memoryMb: 64,
        environment: {},
        concurrency: seed.maxRequestConcurrency ?? 1,
      },
      pool,
      code: { kind: 'source', text: 'exports.handler = async (event) => event' } as const,
      status,
      policy: seed.policy,
    };
    if (registry.find(functionId)) registry.addVersion(functionId, request);
    else registry.create({ ...request, namespace: 'native', name: `seed-${named}`, account: seed.account, functionId });
  }
}

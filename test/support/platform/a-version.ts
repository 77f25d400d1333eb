import type { LaunchSettings, PoolSettings, ServedVersion } from '../../../src/platform/model/function-record.ts';

export interface VersionSeed extends Partial<Omit<ServedVersion, 'launch' | 'pool'>> {
  readonly launch?: Partial<LaunchSettings>;
  readonly pool?: Partial<PoolSettings>;
}

export function aVersion(versionId: string, { launch, pool, ...rest }: VersionSeed = {}): ServedVersion {
  return {
    versionId,
    functionId: `function-of-${versionId}`,
    deployId: `deploy-of-${versionId}`,
    status: 'ACTIVE',
    createdMs: 0,
    ...rest,
    launch: {
      runtime: 'node24',
      handler: 'index.handler',
      timeoutMs: 3_000,
      memoryMb: 128,
      environment: {},
      concurrency: 1,
      ...launch,
    },
    pool: {
      reuse: 'warm',
      instancesMin: 0,
      instancesMax: 10,
      keepWarm: 0,
      idleTtlMs: 60_000,
      ageMaxMs: undefined,
      usesMax: undefined,
      queueDepth: 100,
      ...pool,
    },
  };
}

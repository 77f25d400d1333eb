import type { PoolSnapshot, Pools } from '../model/pool-snapshot.ts';
import type { RegisteredVersion, VersionStatus } from '../registry/registered-version.ts';
import type { StartWatch } from './start-watch.ts';

/** The status of a version right now: the one it was given, unless its instances do not start. */
export function currentStatus(
  version: RegisteredVersion,
  { pools, starts }: { pools: Pools; starts: StartWatch },
): { readonly status: VersionStatus; readonly detail: string } {
  const { versionId, status, statusDetail } = version;
  if (status !== 'ACTIVE') return { status, detail: statusDetail };
  const failure = starts.failureOf(versionId);
  if (failure === undefined || countInstances(pools.of(versionId)).active > 0) return { status, detail: '' };
  return { status: 'ERRORED', detail: failure };
}

export function countInstances(pool: PoolSnapshot | undefined) {
  const counts = { active: 0, pending: 0, terminating: 0 };
  for (const { state } of pool?.instances ?? []) {
    if (state === 'warm' || state === 'busy') counts.active += 1;
    else if (state === 'terminating') counts.terminating += 1;
    else counts.pending += 1;
  }
  return counts;
}

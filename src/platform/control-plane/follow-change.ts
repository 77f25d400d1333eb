import type { CallMeter } from '../metrics/call-meter.ts';
import type { Pools } from '../model/pool-snapshot.ts';
import type { RegistryChange } from '../registry/registry.ts';
import type { StartWatch } from './start-watch.ts';

/** What has to happen elsewhere when the registry changes. */
export function followChange(
  change: RegistryChange,
  { pools, meter, starts }: { pools: Pools; meter: CallMeter; starts: StartWatch },
): void {
  switch (change.kind) {
    case 'version-changed': {
      const { versionId, status } = change.version;
      if (status === 'INACTIVE') {
        pools.wish(versionId, undefined);
        pools.retire(versionId);
      } else if (status !== 'ERRORED') pools.refresh(versionId);
      break;
    }
    case 'version-removed': {
      const { versionId } = change.version;
      pools.wish(versionId, undefined);
      pools.retire(versionId);
      meter.forget(versionId);
      starts.forget(versionId);
      break;
    }
    case 'function-changed':
    case 'function-removed':
      break;
    default:
      change satisfies never;
  }
}

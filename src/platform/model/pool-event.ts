import type { SpawnSource } from './invocation.ts';
import type { StopReason } from './pool-snapshot.ts';

/** What happens to instances, for logs and for people. Calls make no events here: there are too many. */
export type PoolEvent =
  | { readonly type: 'created'; readonly versionId: string; readonly instanceId: string; readonly source: SpawnSource }
  | { readonly type: 'warming'; readonly versionId: string; readonly instanceId: string }
  | { readonly type: 'warmed'; readonly versionId: string; readonly instanceId: string; readonly tookMs: number }
  | { readonly type: 'start-failed'; readonly versionId: string; readonly instanceId: string; readonly error: unknown }
  | {
      readonly type: 'ending';
      readonly versionId: string;
      readonly instanceId: string;
      readonly reason: StopReason;
      readonly ageMs: number;
      readonly idleMs: number;
    }
  | { readonly type: 'stop-failed'; readonly versionId: string; readonly instanceId: string; readonly error: unknown }
  | { readonly type: 'reaped'; readonly versionId: string; readonly instanceId: string }
  | { readonly type: 'prewarming'; readonly versionId: string; readonly count: number }
  | { readonly type: 'scaled-up'; readonly versionId: string; readonly count: number }
  | { readonly type: 'scaled-down'; readonly versionId: string; readonly count: number }
  /** Something that cannot be: an error in this program. */
  | { readonly type: 'breach'; readonly detail: string };

export type PoolListener = (event: PoolEvent) => void;

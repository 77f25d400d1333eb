import type { SpawnSource } from './invocation.ts';
import type { StopReason } from './pool-snapshot.ts';

/** What happens to instances, for logs and for people. Calls make no events here: there are too many. */
export type PoolEvent =
  | (InstanceEvent & { readonly versionId: string; readonly instanceId: string })
  | { readonly type: 'prewarming' | 'scaled-up' | 'scaled-down'; readonly versionId: string; readonly count: number }
  /** Something that cannot be: an error in this program. */
  | { readonly type: 'breach'; readonly detail: string };

type InstanceEvent =
  | { readonly type: 'created'; readonly source: SpawnSource }
  | { readonly type: 'warming' | 'reaped' }
  | { readonly type: 'warmed'; readonly tookMs: number }
  | { readonly type: 'start-failed' | 'stop-failed'; readonly error: unknown }
  | { readonly type: 'ending'; readonly reason: StopReason; readonly ageMs: number; readonly idleMs: number };

export type PoolListener = (event: PoolEvent) => void;

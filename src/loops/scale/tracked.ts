import type { ActiveVersion } from '../../domain/active-version.ts';
import type { Decision } from '../../domain/decision.ts';
import type { FencingToken } from '../../domain/fencing-token.ts';
import type { FunctionState } from '../../domain/function-state.ts';
import { type Memory, readMemory, writeMemory } from '../../scaling/memory.ts';
import { FRESH_MEMO, type LastKnown, readMemo } from './memo.ts';
import { NO_TRAIL, type TrailPoint } from './trail.ts';

/** The last decision, without its samples: those are in the history and are fetched on request. */
type LatestDecision = Omit<Decision, 'signals'>;

/** What a replica keeps about a function version in one of its buckets. */
export interface Tracked {
  version: ActiveVersion;
  /** The durable row as this replica last saw it; undefined: there is none yet. */
  state: FunctionState | undefined;
  /** The durable row may still show my last claim as pending: what became of it is known here alone. */
  isUnsettled: boolean;
  /**
   * Whether the durable row has been looked for. Until then nothing is decided: a wish may stand that is not known here.
   * No more once time broke, or the version left this care.
   */
  isStateRead: boolean;
  memory: Memory;
  /** The last known target, for while the control plane is silent. */
  lastKnown: LastKnown | undefined;
  profile: string | undefined;
  profileMissingSinceMs: number | undefined;
  /** The request counters have been read at least once, so a counter that appears now is a call. */
  isCounterWatched: boolean;
  lastInvokedMs: number | undefined;
  watchedSinceMs: number | undefined;
  /** When it came into this replica's care, on the monotonic clock. */
  readonly sinceMs: number;
  /** It turned up where this replica had looked before, so nothing of it was missed. */
  readonly isNewborn: boolean;
  /** Until then nothing is lowered: to an owner that has seen nothing else a lull looks like the end of load. */
  isPastKnown: boolean;
  latest: LatestDecision | undefined;
  /** For people: how wanted and actual went since it came here. */
  trail: readonly TrailPoint[];
  /** The key of the last entry in the ledger, so that only news is entered. */
  recordedKey: string;
  /** What a dry run would have asked for last. */
  dryWanted: number | undefined;
  /** The token with which the control plane last fenced us. */
  fencedBy: FencingToken | undefined;
  failures: number;
  /** On the monotonic clock: nothing is sent before. */
  notBeforeMs: number;
  /** Since when another member's claim has been seen pending, unchanged, on the monotonic clock. */
  pendingSince: { readonly token: bigint; readonly atMs: number } | undefined;
}

/** A version that has just come into this replica's care. */
export function track(version: ActiveVersion, { sinceMs = 0, isNewborn = false } = {}): Tracked {
  return {
    version,
    state: undefined,
    isUnsettled: false,
    isStateRead: false,
    ...FRESH_MEMO,
    profile: undefined,
    profileMissingSinceMs: undefined,
    isCounterWatched: false,
    lastInvokedMs: undefined,
    watchedSinceMs: undefined,
    sinceMs,
    isNewborn,
    isPastKnown: false,
    latest: undefined,
    trail: NO_TRAIL,
    recordedKey: '',
    dryWanted: undefined,
    fencedBy: undefined,
    failures: 0,
    notBeforeMs: 0,
    pendingSince: undefined,
  };
}

/**
 * Goes on from the durable row as it stands. Where a newer writer wrote it, with the memory that it brings: the last
 * owner knows which aims were seen, and without them the next evaluation would lower what was raised a moment ago.
 */
export function adoptRow(tracked: Tracked, row: FunctionState | undefined, wallMs: number): void {
  if (row && (tracked.state === undefined || row.token > tracked.state.token)) {
    const { memory, lastKnown } = readMemo(row.memo, wallMs);
    tracked.memory = memory;
    if (lastKnown && !(tracked.lastKnown && tracked.lastKnown.atMs > lastKnown.atMs)) tracked.lastKnown = lastKnown;
  }
  tracked.state = row;
  tracked.isUnsettled = false;
}

/** After a clock was set back nothing may lie ahead of it: what would only end then would hold the version for as long. */
export function clampTimes(tracked: Tracked, wallMs: number): void {
  const atMost = (atMs: number | undefined) => (atMs === undefined ? undefined : Math.min(atMs, wallMs));
  tracked.profileMissingSinceMs = atMost(tracked.profileMissingSinceMs);
  tracked.lastInvokedMs = atMost(tracked.lastInvokedMs);
  tracked.watchedSinceMs = atMost(tracked.watchedSinceMs);
  // Reading a memory does it for all of its times.
  tracked.memory = readMemory(writeMemory(tracked.memory), wallMs);
}

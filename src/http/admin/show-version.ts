import type { FunctionState } from '../../domain/function-state.ts';
import type { Target } from '../../domain/target.ts';
import { readMemo } from '../../loops/scale/memo.ts';
import { ProblemError } from '../problem.ts';
import type { AdminWorld, LiveVersion, MemoryView } from './admin-world.ts';
import { showControl, showDecision, showSamples, showState, showTime } from './show.ts';

/** Everything about one version: live where it is in this member's care, else what its owner left in the store. */
export async function showVersion(world: AdminWorld, versionId: string) {
  const bucket = await world.bucketOf(versionId);
  const live = world.live(versionId);
  const [versions, states, controls] = await Promise.all([
    bucket === undefined || live ? [] : world.store.catalogue.read([bucket]),
    bucket === undefined ? undefined : world.store.states.read([bucket]),
    world.store.controls.list(world.nowMs()),
  ]);
  const version = live?.version ?? versions.find((each) => each.versionId === versionId);
  if (!version) {
    throw new ProblemError({
      status: 404,
      code: 'version-unknown',
      title: 'No such function version',
      detail:
        'No active function version has this id. GET /v1/functions lists them; a new one appears within one discovery interval of its first metrics.',
    });
  }
  const state = live?.state ?? states?.find((each) => each.versionId === versionId);
  const owner = world.ownerOf(version.bucket) ?? null;
  const known = live ? targetOf(world, live) : lastKnownTarget(world, state);
  const memory = live?.memory ?? (state && readMemo(state.memo, world.nowMs()).memory);
  return {
    versionId: version.versionId,
    name: known?.target.name ?? null,
    functionId: version.functionId,
    account: version.account,
    bucket: version.bucket,
    owner,
    ownerAddress: world.members().find((member) => member.memberId === owner)?.address || null,
    /** False: another member decides for it; what is live there is not known here. */
    isMine: live !== undefined,
    seenAt: showTime(version.seenMs),
    profiles: version.profiles,
    profile: live?.profile ?? null,
    state: state ? showState(state) : null,
    target: known ? showTarget(known.target) : null,
    targetAsOf: showTime(known?.asOfMs),
    policyInForce: known ? (known.target.policy ?? world.defaultPolicy) : null,
    latest: live?.latest ? showDecision(live.latest) : null,
    utilisation: showSamples(live?.utilisation ?? []),
    demand: showSamples(live?.demand ?? []),
    trail: (live?.trail ?? []).map(({ atMs, wanted, actual }) => ({
      at: showTime(atMs),
      wanted: wanted ?? null,
      actual: actual ?? null,
    })),
    calls: live ? { lastAt: showTime(live.lastInvokedMs), watchedSince: showTime(live.watchedSinceMs) } : null,
    memory: memory ? showMemory(memory) : null,
    controls: controls.filter((control) => 'versionId' in control && control.versionId === versionId).map(showControl),
  };
}

function targetOf(world: AdminWorld, { target }: LiveVersion): { target: Target; asOfMs: number } | undefined {
  return target.state === 'known' ? { target: target.target, asOfMs: world.nowMs() - target.ageMs } : undefined;
}

/** What the owner wrote down with its last order. */
function lastKnownTarget(
  world: AdminWorld,
  state: FunctionState | undefined,
): { target: Target; asOfMs: number } | undefined {
  const known = state && readMemo(state.memo, world.nowMs()).lastKnown;
  return known && { target: known.target, asOfMs: known.atMs };
}

function showTarget(target: Target) {
  return {
    status: target.status,
    min: target.instancesMin,
    max: target.instancesMax,
    concurrency: target.concurrency,
    policy: target.policy ?? null,
  };
}

function showMemory(memory: MemoryView) {
  return {
    cycles: memory.cycles,
    raisedAt: showTime(memory.raisedMs),
    loweredAt: showTime(memory.loweredMs),
    apartSince: showTime(memory.divergedSinceMs),
    blindSince: showTime(memory.blindSinceMs),
    recoveredAt: showTime(memory.recoveredMs),
  };
}

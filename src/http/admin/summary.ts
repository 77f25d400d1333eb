import type { ActiveVersion } from '../../domain/active-version.ts';
import type { FunctionState } from '../../domain/function-state.ts';
import type { AdminWorld, VersionSummary } from './admin-world.ts';
import { showCounts, showTime, showValue } from './show.ts';

export type FunctionSummary = ReturnType<typeof summarise>;

/** One line of the fleet: durable facts of any version, and the live ones of those in this member's care. */
export function summarise(
  world: AdminWorld,
  facts: { version: ActiveVersion; state: FunctionState | undefined; summary: VersionSummary | undefined },
) {
  const { version, summary } = facts;
  const state = summary?.state ?? facts.state;
  const latest = summary?.latest;
  const target = summary?.target.state === 'known' ? summary.target.target : undefined;
  return {
    versionId: version.versionId,
    /** Comes from the control plane, so only the owner knows it. */
    name: target?.name ?? null,
    functionId: version.functionId,
    account: version.account,
    bucket: version.bucket,
    owner: world.ownerOf(version.bucket) ?? null,
    isMine: summary !== undefined,
    seenAt: showTime(version.seenMs),
    applied: state?.applied ?? null,
    phase: state?.phase ?? null,
    outcome: state?.outcome || null,
    /** When an order for it last came to an end. */
    changedAt: state && state.settledMs > 0 ? showTime(state.settledMs) : null,
    min: target?.instancesMin ?? null,
    max: target?.instancesMax ?? null,
    utilisation: showValue(summary?.utilisation),
    demand: showValue(summary?.demand),
    latest: latest ? { ...showCounts(latest), reasons: latest.reasons.map((reason) => reason.code) } : null,
  };
}

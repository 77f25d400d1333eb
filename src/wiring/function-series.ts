import type { Autoscaler } from '../loops/autoscaler.ts';
import type { TargetSource } from '../ports/target-source.ts';
import type { FunctionPoint } from '../telemetry/function-series.ts';

/** The versions of this member as series; the ones decided to change most lately first. */
export function* functionSeries(autoscaler: Autoscaler, targets: TargetSource): Iterable<FunctionPoint> {
  for (const { version, latest, memory } of autoscaler.fleet.all()) {
    const answer = targets.get(version.versionId);
    const target = answer.state === 'known' ? answer.target : undefined;
    yield {
      functionId: version.functionId,
      versionId: version.versionId,
      wanted: latest?.wanted,
      actual: latest?.actual,
      instancesMin: target?.instancesMin,
      instancesMax: target?.instancesMax,
      utilisation: autoscaler.observer.latestUtilisation(version.versionId),
      isPaused: latest?.reasons.some((reason) => reason.code === 'paused') ?? false,
      decision: latest && { verdict: latest.verdict, reason: latest.reasons[0]?.code ?? 'none' },
      activity: Math.max(memory.raisedMs ?? 0, memory.loweredMs ?? 0),
    };
  }
}

import type { Logger } from 'pino';
import type { LiveFilesEvent } from '../config/live-files.ts';
import type { Clock } from '../lib/clock.ts';
import type { Autoscaler } from '../loops/autoscaler.ts';
import type { TargetSource } from '../ports/target-source.ts';
import type { FunctionPoint } from '../telemetry/function-series.ts';
import type { Meters } from '../telemetry/meters.ts';

/** The versions of this member as series, each with the time of its last change. */
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

/** Reports what became of secret files, in the log and in numbers. */
export function secretEvents(logger: Logger, meters: Meters, clock: Clock): (event: LiveFilesEvent) => void {
  return (event) => {
    switch (event.kind) {
      case 'loaded':
      case 'reloaded':
        meters.add('starling_secret_reloads_total', 1, { result: 'ok' });
        meters.set('starling_secret_last_success_timestamp_seconds', clock.wallMs() / 1000);
        if (event.kind === 'reloaded')
          logger.info({ event: 'secrets.reloaded', secret: event.name }, 'in use from now on');
        break;
      case 'failed':
        meters.add('starling_secret_reloads_total', 1, { result: 'failed' });
        logger.error(
          { event: 'secrets.failed', secret: event.name, files: event.files, err: event.error },
          'the last good ones stay in use',
        );
        break;
      case 'exposed':
        logger.warn(
          { event: 'secrets.exposed', secret: event.name, file: event.file, mode: event.mode },
          'everybody on this machine can read it: chmod o-r',
        );
        break;
      case 'certificate':
        meters.set('starling_certificate_expiry_timestamp_seconds', event.expiresMs / 1000, { use: event.name });
        break;
      default:
        event satisfies never;
    }
  };
}

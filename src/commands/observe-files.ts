import type { LiveFilesEvent } from '../config/live-files.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Meters } from '../telemetry/meters.ts';

/** Tells and counts what happens to secrets and certificates on disk; never what is in them. */
export function observeFiles(options: {
  logger: Logger;
  meters: Meters;
  clock: Clock;
}): (event: LiveFilesEvent) => void {
  const { logger, meters, clock } = options;
  return (event) => {
    switch (event.kind) {
      case 'loaded':
      case 'reloaded':
        meters.set('starling_secret_last_success_timestamp_seconds', clock.wallMs() / 1000);
        if (event.kind === 'loaded') return;
        meters.add('starling_secret_reloads_total', 1, { result: 'ok' });
        logger.info({ option: event.name, files: event.files }, 'read again after a change');
        return;
      case 'failed':
        meters.add('starling_secret_reloads_total', 1, { result: 'failed' });
        logger.error(
          { option: event.name, err: event.error },
          'a changed file cannot be used; the value from before stays in force',
        );
        return;
      case 'exposed':
        logger.warn(
          { option: event.name, file: event.file, mode: event.mode },
          'everybody on this machine can read a secret; chmod o-r',
        );
        return;
    }
  };
}

import { type Command, Option as Flag } from 'commander';
import { systemClock } from '../adapters/system/clock.ts';
import type { LoadedConfig } from '../config/load-config.ts';
import { systemRandom } from '../lib/random.ts';
import { StoreError } from '../ports/store-error.ts';
import { EXIT, type ExitCode } from '../wiring/exit-codes.ts';
import { endOnCrash, listenForStop, stopOrExit } from '../wiring/process-life.ts';
import { addConfigFlags, configOf } from './config-flags.ts';
import { reportError } from './report-error.ts';

/** `starling autoscale`: one member, until it is stopped. */
export function declareAutoscale(command: Command, end: (code: ExitCode) => void): void {
  command.addOption(
    new Flag('--child', 'started by starling dev: sends it its addresses, and ends when it ends').hideHelp(),
  );
  addConfigFlags(command).action(async () => {
    const { child: isChild = false } = command.opts<{ child?: boolean }>();
    end(await serve(await configOf(command), { isChild }));
  });
}

/** Runs until SIGTERM or SIGINT; a second signal, or a stop that hangs, ends the process at once. */
async function serve(loaded: LoadedConfig, { isChild }: { isChild: boolean }): Promise<ExitCode> {
  // Before anything is loaded: the first process of a container gets no signal that it does not listen for.
  const signals = listenForStop(systemClock, { endsWithParent: isChild });
  const { Service } = await import('../wiring/service.ts');
  const service = await Service.create(loaded, { clock: systemClock, random: systemRandom });
  endOnCrash((error) => service.logCrash(error));

  let fault: unknown;
  const { promise: failed, resolve: fail } = Promise.withResolvers<void>();
  const started = service.start().then(
    (addresses) => {
      if (isChild && process.connected) process.send?.(addresses);
    },
    (error: unknown) => {
      // A service that is stopped while it still waits has not failed.
      if (signals.isAsked()) return;
      fault = error;
      fail();
    },
  );
  await Promise.race([signals.asked, failed]);
  const { exitAfterMs } = loaded.config.shutdown;
  await stopOrExit(Promise.all([service.stop(), started]), {
    clock: systemClock,
    afterMs: exitAfterMs,
    complaint: `not stopped within ${exitAfterMs} ms (shutdown.exitAfter)`,
  });
  // An open channel would keep this process.
  if (isChild && process.connected) process.disconnect();
  if (fault === undefined) return EXIT.ok;
  const code = reportError(fault);
  // Any error of the store at the start is a start-up fault, wrong credentials included.
  return fault instanceof StoreError ? EXIT.usage : code;
}

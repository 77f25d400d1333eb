import { type Command, Option as Flag } from 'commander';
import { systemClock } from '../adapters/system/clock.ts';
import type { LoadedConfig } from '../config/load-config.ts';
import { systemRandom } from '../lib/random.ts';
import { StoreError } from '../ports/store-error.ts';
import { EXIT, type ExitCode } from '../wiring/exit-codes.ts';
import { listenForStop } from '../wiring/stop-signals.ts';
import { addConfigFlags, configOf } from './config-flags.ts';
import { tellFault } from './fault.ts';
import { endOnCrash } from './process-life.ts';

/** `starling autoscale`: one member, until it is told to stop. */
export function declareAutoscale(command: Command, end: (code: ExitCode) => void): void {
  command.addOption(
    new Flag('--child', 'started by starling dev: tells it its addresses, and ends when it ends').hideHelp(),
  );
  addConfigFlags(command).action(async () => {
    const { child: isChild = false } = command.opts<{ child?: boolean }>();
    end(await serve(await configOf(command), { isChild }));
  });
}

/** Runs until SIGTERM or SIGINT; a second signal, or a stop that hangs, ends the process at once. */
async function serve(loaded: LoadedConfig, { isChild }: { isChild: boolean }): Promise<ExitCode> {
  // Before anything is loaded: as the first process of a container nobody stops it who does not listen.
  const signals = listenForStop({
    clock: systemClock,
    onSecond: () => process.exit(EXIT.interrupted),
    endsWithParent: isChild,
  });
  const { Service } = await import('../wiring/service.ts');
  const service = await Service.create(loaded, { clock: systemClock, random: systemRandom });
  endOnCrash((error) => service.tellCrash(error));

  let fault: unknown;
  const { promise: failed, resolve: fail } = Promise.withResolvers<void>();
  const started = service.start().then(
    (addresses) => {
      if (isChild && process.connected) process.send?.(addresses);
    },
    (error: unknown) => {
      // Whoever is told to stop while it waits has not failed.
      if (signals.isAsked()) return;
      fault = error;
      fail();
    },
  );
  await Promise.race([signals.asked, failed]);
  const { exitAfterMs } = loaded.config.shutdown;
  const cancelExit = systemClock.after(exitAfterMs, () => {
    process.stderr.write(`starling: not stopped within ${exitAfterMs} ms (shutdown.exitAfter); ending all the same\n`);
    process.exit(EXIT.failed);
  });
  await service.stop();
  await started;
  cancelExit();
  // An open channel would keep this process.
  if (isChild && process.connected) process.disconnect();
  if (fault === undefined) return EXIT.ok;
  const { text, code } = tellFault(fault);
  process.stderr.write(`${text}\n`);
  // Whatever keeps a service from starting is a start-up fault, wrong credentials included.
  return fault instanceof StoreError ? EXIT.usage : code;
}

import type { Command } from 'commander';
import { systemClock } from '../adapters/system/clock.ts';
import { systemRandom } from '../lib/random.ts';
import { StoreError } from '../ports/store-error.ts';
import { addConfigFlags, configOf } from './config-flags.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { tellFault } from './fault.ts';
import { Service } from './service.ts';

/** `starling autoscale`: one member, until it is told to stop. */
export function declareAutoscaleCommand(program: Command, end: (code: ExitCode) => void): void {
  const command = program
    .command('autoscale')
    .description('run the autoscaler: discover function versions, read their signals, and keep their instances right');
  addConfigFlags(command).action(async () => {
    const loaded = configOf(command);
    const service = await Service.create(loaded, { clock: systemClock, random: systemRandom });
    end(await serve(service, { exitAfterMs: loaded.config.shutdown.exitAfterMs }));
  });
}

/** Runs until SIGTERM or SIGINT; a second signal, or a stop that hangs, ends the process at once. */
async function serve(service: Service, { exitAfterMs }: { exitAfterMs: number }): Promise<ExitCode> {
  const { promise: asked, resolve: ask } = Promise.withResolvers<void>();
  let signals = 0;
  const onSignal = () => {
    signals += 1;
    if (signals > 1) process.exit(EXIT.interrupted);
    setTimeout(() => process.exit(EXIT.failed), exitAfterMs).unref();
    ask();
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  let fault: unknown;
  const started = service.start().catch((error: unknown) => {
    if (signals > 0) return;
    fault = error;
    ask();
  });
  await asked;
  await service.stop();
  await started;
  if (fault === undefined) return EXIT.ok;
  const { text, code } = tellFault(fault);
  process.stderr.write(`${text}\n`);
  // Whatever keeps a service from starting is a start-up fault, wrong credentials included.
  return fault instanceof StoreError ? EXIT.usage : code;
}

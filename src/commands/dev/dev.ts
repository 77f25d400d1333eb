import { type Command, Option as Flag } from 'commander';
import type { ExitCode } from '../../wiring/exit-codes.ts';
import { addConfigFlags, settingsOf } from '../config-flags.ts';
import { wholeNumber } from '../value-flags.ts';
import { CONSOLE_PORT, PORT_MAX } from './port-plan.ts';

const REPLICAS_MAX = 9;

interface DevFlags {
  readonly port: number;
  readonly dataDir: string;
  readonly replicas: number;
  readonly demo?: boolean;
  readonly demoPace: 'normal' | 'quick';
}

/** `starling dev`: everything on this machine, until it is stopped. */
export function declareDev(command: Command, end: (code: ExitCode) => void): void {
  command
    .option(
      '-p, --port <port>',
      'of the console and the admin API; the platform listens 10 above, the metrics store 1010 above; 0: free ones',
      wholeNumber({ min: 0, max: PORT_MAX }),
      CONSOLE_PORT,
    )
    .option('--data-dir <folder>', 'where everything is kept; made if it is not there', './starling-data')
    .option(
      '--replicas <count>',
      'autoscaler processes that share the work',
      wholeNumber({ min: 1, max: REPLICAS_MAX }),
      1,
    )
    .option('--demo', 'register three functions and drive a wave of load through them, for about three minutes')
    .addOption(
      new Flag('--demo-pace <pace>', 'quick: as short as can be')
        .choices(['normal', 'quick'])
        .default('normal')
        .hideHelp(),
    );
  addConfigFlags(command).action(async () => {
    const { demo: isDemo = false, ...flags } = command.opts<DevFlags>();
    const { runDev } = await import('./run-dev.ts');
    end(await runDev({ ...settingsOf(command), env: process.env }, { ...flags, isDemo }));
  });
}

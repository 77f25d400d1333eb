import { type Command, Option as Flag } from 'commander';
import { systemClock } from '../adapters/system/clock.ts';
import { Secrets } from '../config/secrets.ts';
import { systemRandom } from '../lib/random.ts';
import { createLogs } from '../telemetry/logger.ts';
import { silentMeters } from '../telemetry/meters.ts';
import { addConfigFlags, configOf } from './config-flags.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { cassandraConnection, openStore } from './open-store.ts';

/** `starling migrate`: brings the tables of the store to what this version needs. Safe to repeat, and to run several times at once. */
export function declareMigrateCommand(program: Command, end: (code: ExitCode) => void): void {
  const command = program
    .command('migrate')
    .description('create or upgrade the tables of the coordination store; safe to repeat')
    .addOption(new Flag('--print-only', 'print the statements and run none'))
    .addOption(new Flag('-o, --output <format>', 'how to print it').choices(['table', 'json']).default('table'));
  addConfigFlags(command).action(async () => {
    const { printOnly = false, output } = command.opts<{ printOnly?: boolean; output: 'table' | 'json' }>();
    const { config } = configOf(command);
    const tools = {
      secrets: new Secrets({ clock: systemClock }),
      clock: systemClock,
      random: systemRandom,
      meters: silentMeters,
      logger: createLogs({ level: 'warn', to: 'stderr' }).root,
    };
    try {
      if (config.storeTarget.kind !== 'cassandra') {
        const store = await openStore(config, tools);
        await store.close();
        print(
          output,
          { steps: [], warnings: [] },
          `${config.storeTarget.kind}: the tables are made when the store is opened; nothing to do`,
        );
        end(EXIT.ok);
        return;
      }
      const { migrate } = await import('../adapters/cassandra/schema/migrate.ts');
      const report = await migrate(
        {
          ...cassandraConnection(config, tools).options(),
          replication: Object.fromEntries(
            Object.entries(config.store.cassandra.replication).map(([dataCenter, copies]) => [
              dataCenter,
              Number(copies),
            ]),
          ),
          isDryRun: printOnly,
        },
        {
          step: ({ id, state }) => process.stderr.write(`${id}: ${state}\n`),
          waiting: () => process.stderr.write('another migration is at work; waiting for it\n'),
        },
      );
      for (const warning of report.warnings) process.stderr.write(`warning: ${warning}\n`);
      const summary = printOnly
        ? report.steps.map(({ id, state, cql }) => `-- ${id}: ${state}\n${cql};`).join('\n')
        : `keyspace ${report.keyspace} (${report.replication}) is as this version needs it`;
      print(output, report, summary);
      end(EXIT.ok);
    } finally {
      tools.secrets.close();
    }
  });
}

function print(output: 'table' | 'json', report: object, summary: string): void {
  process.stdout.write(output === 'json' ? `${JSON.stringify(report, null, 2)}\n` : `${summary}\n`);
}

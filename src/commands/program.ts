import { Command, CommanderError } from 'commander';
import { declareAutoscaleCommand } from './autoscale.ts';
import { declareConfigCommand } from './config.ts';
import { declareDoctorCommand } from './doctor.ts';
import { declareEvaluateCommand } from './evaluate.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { declareExplainCommand } from './explain.ts';
import { tellFault } from './fault.ts';
import { declareMigrateCommand } from './migrate.ts';
import { VERSION } from './version.ts';

/** Reads the command line, runs the command, and tells how it ended. */
export async function run(args: readonly string[]): Promise<number> {
  let code: ExitCode = EXIT.ok;
  const end = (ended: ExitCode) => {
    code = ended;
  };
  const program = new Command('starling')
    .description('Keeps the right number of instances running for every serverless function.')
    .version(VERSION, '-V, --version', 'print the version')
    .showSuggestionAfterError()
    .showHelpAfterError('(starling --help shows what there is)')
    .exitOverride();
  for (const declare of COMMANDS) declare(program, end);
  for (const command of program.commands) command.exitOverride();
  try {
    await program.parseAsync([...args], { from: 'user' });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    const fault = tellFault(error);
    process.stderr.write(`${fault.text}\n`);
    return fault.code;
  }
}

const COMMANDS = [
  declareAutoscaleCommand,
  declareMigrateCommand,
  declareConfigCommand,
  declareDoctorCommand,
  declareEvaluateCommand,
  declareExplainCommand,
];

import { Command, CommanderError } from 'commander';
import { EXIT, type ExitCode } from '../wiring/exit-codes.ts';
import { endOnCrash, ignoreClosedPipes, leaveSoon } from '../wiring/process-life.ts';
import { VERSION } from '../wiring/version.ts';
import { COMMANDS } from './commands.ts';
import { reportError } from './report-error.ts';

/** The whole life of the process: its exit code says how the command ended. */
export async function runProcess(args: readonly string[]): Promise<void> {
  ignoreClosedPipes();
  endOnCrash(reportError);
  process.exitCode = await run(args);
  leaveSoon();
}

/** Reads the command line, runs the command, and gives how it ended. */
export async function run(args: readonly string[]): Promise<ExitCode> {
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
  for (const { name, description } of COMMANDS) {
    program.command(name).description(description).showHelpAfterError(`(starling ${name} --help shows what there is)`);
  }
  program.hook('preSubcommand', async (_, command) => {
    const declare = await COMMANDS.find(({ name }) => name === command.name())?.load();
    declare?.(command, end);
  });
  try {
    await program.parseAsync(withoutHelpCommand(args), { from: 'user' });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.code === 'commander.unknownOption') await suggestFlag(error.message);
      return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    }
    return reportError(error);
  }
}

/** Commander knows the flags that its help shows; most of ours are in the docs alone. */
async function suggestFlag(message: string): Promise<void> {
  const flag = /'--([^'=]+)/.exec(message)?.[1];
  if (flag === undefined || message.includes('Did you mean')) return;
  const [{ LEAF_BY_FLAG }, { nearest }] = await Promise.all([
    import('../config/declarations.ts'),
    import('../config/nearest.ts'),
  ]);
  const guess = nearest(flag, LEAF_BY_FLAG.keys());
  if (LEAF_BY_FLAG.has(`${flag}-file`)) process.stderr.write(`(Secrets are read from files: --${flag}-file)\n`);
  else if (guess === flag)
    process.stderr.write(`(--${flag} stands behind the command: starling autoscale --${flag} …)\n`);
  else if (guess !== undefined) process.stderr.write(`(Did you mean --${guess}?)\n`);
}

/** `starling help doctor` would show a doctor whose flags have not been loaded. */
function withoutHelpCommand(args: readonly string[]): string[] {
  const [first, name, ...rest] = args;
  return first === 'help' && name !== undefined ? [name, '--help', ...rest] : [...args];
}

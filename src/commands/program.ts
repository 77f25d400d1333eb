import { Command, CommanderError } from 'commander';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { tellFault } from './fault.ts';
import { VERSION } from './version.ts';

/** Gives a command its arguments, flags and action. `end` takes how it ended; whatever it throws is told and coded. */
type Declare = (command: Command, end: (code: ExitCode) => void) => void;

/** Each command is imported when it is asked for: what it needs takes a tenth of a second to load, and the others need none of it. */
const COMMANDS: readonly { name: string; description: string; load: () => Promise<Declare> }[] = [
  {
    name: 'dev',
    description:
      'start everything on this machine, to try it and to develop: platform, metrics store, autoscaler, console',
    load: async () => (await import('./dev.ts')).declareDev,
  },
  {
    name: 'autoscale',
    description: 'run the autoscaler: discover function versions, read their signals, and keep their instances right',
    load: async () => (await import('./autoscale.ts')).declareAutoscale,
  },
  {
    name: 'platform',
    description: 'run the function platform of this machine: something real to scale, with a control plane and metrics',
    load: async () => (await import('./platform.ts')).declarePlatform,
  },
  {
    name: 'migrate',
    description: 'create or upgrade the tables of the coordination store; safe to repeat',
    load: async () => (await import('./migrate.ts')).declareMigrate,
  },
  {
    name: 'config',
    description: 'check the configuration and show each value with its source; secrets are masked',
    load: async () => (await import('./config.ts')).declareConfig,
  },
  {
    name: 'doctor',
    description: 'check the configuration, each dependency, permissions, clocks and profile queries; say what to do',
    load: async () => (await import('./doctor.ts')).declareDoctor,
  },
  {
    name: 'evaluate',
    description: 'decide for one function version from its real signals, and write nothing',
    load: async () => (await import('./evaluate.ts')).declareEvaluate,
  },
  {
    name: 'explain',
    description: 'tell what was decided for a function version, what came of it, and why',
    load: async () => (await import('./explain.ts')).declareExplain,
  },
];

/** Reads the command line, runs the command, and tells how it ended. */
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
  for (const { name, description } of COMMANDS) program.command(name).description(description);
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
    const fault = tellFault(error);
    process.stderr.write(`${fault.text}\n`);
    return fault.code;
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

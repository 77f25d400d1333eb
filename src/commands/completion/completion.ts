import { Argument, type Command, Command as CommandClass } from 'commander';
import { EXIT, type ExitCode } from '../../wiring/exit-codes.ts';
import { bashScript } from './bash.ts';
import { type CommandShape, shapeOf } from './command-shape.ts';
import { fishScript } from './fish.ts';
import { zshScript } from './zsh.ts';

const SCRIPTS = { bash: bashScript, zsh: zshScript, fish: fishScript } as const;
type Shell = keyof typeof SCRIPTS;

interface Completed {
  readonly name: string;
  readonly description: string;
  readonly load: () => Promise<(command: Command, end: (code: ExitCode) => void) => void>;
}

/** `starling completion <shell>`: a script for the shell to read at its start. */
export function declareCompletion(
  command: Command,
  end: (code: ExitCode) => void,
  commands: readonly Completed[],
): void {
  command
    .addArgument(new Argument('<shell>', 'which one').choices(Object.keys(SCRIPTS)))
    .addHelpText(
      'after',
      [
        '',
        'bash: starling completion bash > ~/.local/share/bash-completion/completions/starling',
        'zsh:  starling completion zsh > "$fpath[1]/_starling"',
        'fish: starling completion fish > ~/.config/fish/completions/starling.fish',
      ].join('\n'),
    )
    .action(async (shell: Shell) => {
      process.stdout.write(SCRIPTS[shell](await shapesOf(commands)));
      end(EXIT.ok);
    });
}

/** What every command takes, as it declares it itself. */
async function shapesOf(commands: readonly Completed[]): Promise<CommandShape[]> {
  return Promise.all(
    commands.map(async ({ name, description, load }) => {
      const command = new CommandClass(name).description(description);
      (await load())(command, () => {});
      return shapeOf(command);
    }),
  );
}

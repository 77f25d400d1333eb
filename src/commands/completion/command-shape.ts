import type { Command, Option } from 'commander';

/** What a shell needs to know of a command. */
export interface CommandShape {
  readonly name: string;
  readonly description: string;
  readonly flags: readonly FlagShape[];
  /** What its first argument may be, where that is a closed list. */
  readonly choices: readonly string[];
}

export interface FlagShape {
  /** With its dashes. */
  readonly long: string;
  readonly short: string | undefined;
  readonly description: string;
  /** `none`: it is a switch; `some`: the list below; `file`: a path; `any`: only the user knows. */
  readonly value: 'none' | 'some' | 'file' | 'any';
  readonly choices: readonly string[];
}

/** Flags that the help leaves out are completed too: there are too many options to remember. */
export function shapeOf(command: Command): CommandShape {
  const [argument] = command.registeredArguments;
  const help: FlagShape = {
    long: '--help',
    short: '-h',
    description: 'what this command takes',
    value: 'none',
    choices: [],
  };
  return {
    name: command.name(),
    description: command.description(),
    flags: [...command.options.filter(({ long }) => long !== '--child').flatMap(flagOf), help],
    choices: argument?.argChoices ?? [],
  };
}

function flagOf({ long, short, description, required, optional, argChoices, flags }: Option): FlagShape[] {
  if (!long) return [];
  const value = !required ? 'none' : argChoices ? 'some' : /<(file|folder)>|file <|-dir </.test(flags) ? 'file' : 'any';
  return [{ long, short, description, value: optional ? 'none' : value, choices: argChoices ?? [] }];
}

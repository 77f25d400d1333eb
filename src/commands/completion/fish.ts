import type { CommandShape, FlagShape } from './command-shape.ts';

export function fishScript(commands: readonly CommandShape[]): string {
  const names = commands.map(({ name }) => name).join(' ');
  return [
    '# fish completion for starling',
    'complete -c starling -f',
    `complete -c starling -n "not __fish_seen_subcommand_from ${names}" -l help -d 'what there is'`,
    `complete -c starling -n "not __fish_seen_subcommand_from ${names}" -l version -d 'print the version'`,
    ...commands.flatMap(({ name, description, flags, choices }) => [
      `complete -c starling -n "not __fish_seen_subcommand_from ${names}" -a ${name} -d ${quoted(description)}`,
      ...(choices.length > 0 ? [`${within(name)} -a ${quoted(choices.join(' '))}`] : []),
      ...flags.map((flag) => `${within(name)} ${flagPart(flag)}`),
    ]),
    '',
  ].join('\n');
}

function within(name: string): string {
  return `complete -c starling -n "__fish_seen_subcommand_from ${name}"`;
}

function flagPart({ long, short, description, value, choices }: FlagShape): string {
  const name = `-l ${long.slice(2)}${short === undefined ? '' : ` -s ${short.slice(1)}`} -d ${quoted(description)}`;
  const taking = { none: '', some: ` -x -a ${quoted(choices.join(' '))}`, file: ' -r -F', any: ' -x' };
  return `${name}${taking[value]}`;
}

function quoted(text: string): string {
  return `'${text.replace(/[\\']/g, '\\$&')}'`;
}

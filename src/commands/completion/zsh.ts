import type { CommandShape, FlagShape } from './command-shape.ts';

export function zshScript(commands: readonly CommandShape[]): string {
  const listed = commands.map(({ name, description }) => `    ${quoted(`${name}:${escaped(description)}`)}`);
  const cases = commands.map(({ name, flags, choices }) => {
    const specs = [
      ...flags.map(flagSpec),
      choices.length > 0 ? quoted(`1:: :(${choices.join(' ')})`) : quoted('*:: :'),
    ];
    return [
      `    ${name})`,
      `      _arguments -S \\\n${specs.map((spec) => `        ${spec}`).join(' \\\n')}`,
      '      ;;',
    ].join('\n');
  });
  return `#compdef starling
_starling() {
  local -a commands
  commands=(
${listed.join('\n')}
  )
  if (( CURRENT == 2 )); then
    _describe -t commands 'command' commands
    return
  fi
  local command=$words[2]
  shift words
  (( CURRENT-- ))
  case $command in
${cases.join('\n')}
  esac
}
if [[ $funcstack[1] == _starling ]]; then _starling "$@"; else compdef _starling starling; fi
`;
}

function flagSpec({ long, description, value, choices }: FlagShape): string {
  const text = `[${escaped(description)}]`;
  const taking = { some: `:value:(${choices.join(' ')})`, file: ':file:_files', any: ':value: ' };
  return quoted(value === 'none' ? `${long}${text}` : `${long}=${text}${taking[value]}`);
}

/** Within a spec, brackets and colons mean something. */
function escaped(text: string): string {
  return text.replace(/[\\[\]:]/g, '\\$&');
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

import type { CommandShape } from './command-shape.ts';

/** For bash 3.2 and newer, without the bash-completion package. */
export function bashScript(commands: readonly CommandShape[]): string {
  const cases = commands.map(({ name, flags, choices }) => {
    const valued = flags.flatMap(({ long, short, value, choices: some }) => {
      if (value === 'none') return [];
      const names = [long, ...(short === undefined ? [] : [short])].join('|');
      const reply =
        value === 'file'
          ? 'COMPREPLY=($(compgen -f -- "$word"))'
          : `COMPREPLY=(${value === 'some' ? words(some) : ''})`;
      return [`        ${names}) ${reply}; return ;;`];
    });
    return [
      `    ${name})`,
      ...(valued.length > 0 ? ['      case $before in', ...valued, '      esac'] : []),
      `      if [[ $word == -* ]]; then COMPREPLY=(${words(flags.map(({ long }) => long))})`,
      `      else COMPREPLY=(${words(choices)}); fi`,
      '      ;;',
    ].join('\n');
  });
  return `# bash completion for starling
_starling() {
  local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]}
  COMPREPLY=()
  if (( COMP_CWORD == 1 )); then
    COMPREPLY=(${words([...commands.map(({ name }) => name), '--help', '--version'])})
    return
  fi
  case \${COMP_WORDS[1]} in
${cases.join('\n')}
  esac
}
complete -F _starling starling
`;
}

/** Names and choices of ours: letters, digits and dashes. */
function words(list: readonly string[]): string {
  return list.length === 0 ? '' : `$(compgen -W '${list.join(' ')}' -- "$word")`;
}

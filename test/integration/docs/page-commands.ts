import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

const ROOT = path.resolve(import.meta.dirname, '../../..');

/** One command that a page shows for a shell. */
export interface PageCommand {
  readonly page: string;
  /** Of the section of second rank that it stands in; empty above the first. */
  readonly heading: string;
  readonly line: string;
}

/** Every command of README.md, CONTRIBUTING.md and everything below docs/, in the order of the pages. */
export function pageCommands(): PageCommand[] {
  const pages = readdirSync(path.join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.md'))
    .map((file) => `docs/${file.replaceAll(path.sep, '/')}`);
  return ['README.md', 'CONTRIBUTING.md', ...pages.sort()].flatMap((page) =>
    commandsIn(readFileSync(path.join(ROOT, page), 'utf8')).map((command) => ({ page, ...command })),
  );
}

export function commandsIn(markdown: string): Omit<PageCommand, 'page'>[] {
  const found: Omit<PageCommand, 'page'>[] = [];
  let heading = '';
  for (const [, title, kind = '', text = ''] of markdown.matchAll(/^## +([^\n]+)$|^```([^\n]*)\n(.*?)^```$/gms)) {
    if (title !== undefined) heading = title;
    else if (/^(sh|bash|shell)\b/.test(kind)) found.push(...linesOf(text).map((line) => ({ heading, line })));
    // With answers in between: commands are what stands behind a prompt.
    else if (/^console\b/.test(kind)) {
      const typed = [...text.matchAll(/^\$ (.+)$/gm)].map(([, line = '']) => line);
      found.push(...typed.map((line) => ({ heading, line })));
    }
  }
  return found;
}

/** As a shell would take them, one by one: continued lines and quotes over several lines belong together. */
function linesOf(text: string): string[] {
  const commands: string[] = [];
  let command = '';
  for (const line of text.replaceAll('\\\n', ' ').split('\n')) {
    command += command === '' ? line : `\n${line}`;
    if (isInQuotes(command)) continue;
    // What stands behind && is a step of its own: the page says that it comes after the other.
    const parts = command.replace(/\s+#\s.*$/, '').split(' && ');
    commands.push(...(parts.some(isInQuotes) ? [command] : parts));
    command = '';
  }
  if (command !== '') throw new Error(`a quote is never closed: ${command}`);
  return commands.map((each) => each.trim()).filter((each) => each !== '' && !each.startsWith('#'));
}

function isInQuotes(text: string): boolean {
  let quote = '';
  for (const character of text) {
    if (quote === '' && (character === "'" || character === '"')) quote = character;
    else if (character === quote) quote = '';
  }
  return quote !== '';
}

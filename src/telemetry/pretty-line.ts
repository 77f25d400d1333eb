import { styleText } from 'node:util';

const COLOURS = {
  trace: 'gray',
  debug: 'gray',
  info: 'green',
  warn: 'yellow',
  error: 'red',
  fatal: 'magenta',
} as const;
const SHOWN_ELSEWHERE = ['level', 'time', 'msg', 'module', 'err'];
const HIDDEN = new Set([...SHOWN_ELSEWHERE, 'service.name', 'service.version', 'service.instance.id']);

/** One JSON log line as people like to read it on a terminal: time, level, module, message, then what is known. */
export function prettyLine(line: string, options: { isColoured: boolean }): string {
  const fields = JSON.parse(line) as Record<string, unknown>;
  const paint = (colour: Parameters<typeof styleText>[0], text: string) =>
    options.isColoured ? styleText(colour, text, { validateStream: false }) : text;

  const level = String(fields['level']);
  const colour = COLOURS[level as keyof typeof COLOURS] ?? 'white';
  const time = String(fields['time']).slice(11, 23);
  const module = fields['module'] === undefined ? '' : ` [${printable(String(fields['module']))}]`;
  const known = Object.entries(fields)
    .filter(([key]) => !HIDDEN.has(key))
    .map(([key, value]) => ` ${paint('gray', `${printable(key)}=`)}${printable(plain(value))}`)
    .join('');
  const message = printable(String(fields['msg'] ?? ''));
  return `${paint('gray', time)} ${paint(colour, level.toUpperCase().padEnd(5))}${module} ${message}${known}${errorText(fields['err'])}\n`;
}

function errorText(error: unknown): string {
  if (typeof error !== 'object' || error === null) return '';
  const { type, message, stack, cause } = error as Record<string, unknown>;
  const where = typeof stack === 'string' ? `\n${stack.split('\n').slice(0, 4).map(printable).join('\n')}` : '';
  const because = cause === undefined ? '' : errorText(cause);
  return `\n    ${printable(String(type))}: ${printable(String(message))}${where}${because}`;
}

function plain(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** Text from outside must not move the cursor or paint the terminal. */
function printable(text: string): string {
  return text.replace(/[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u2028\u2029]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}

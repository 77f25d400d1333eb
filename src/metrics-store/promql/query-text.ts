import type { SyntaxNode } from '@lezer/common';
import { LABEL_NAME } from '../storage/labels.ts';
import { parseDurationMs } from './duration.ts';
import { QueryError } from './query-error.ts';

/** The text of a query: reads the words in it, and shows where something is wrong. */
export class QueryText {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  of({ from, to }: Pick<SyntaxNode, 'from' | 'to'>): string {
    return this.text.slice(from, to);
  }

  /** `skip`: so many characters of the literal are somebody else's. */
  number(node: SyntaxNode, skip = 0): number {
    const text = this.of(node).slice(skip).trim().toLowerCase();
    const value = numberOf(text);
    if (value === undefined) throw this.wrong(node.from, `error parsing number: ${JSON.stringify(text)}`);
    return value;
  }

  string(node: SyntaxNode): string {
    const text = unquote(this.of(node));
    if (text === undefined) throw this.wrong(node.from, 'error unquoting string: invalid syntax');
    return text;
  }

  labelName(node: SyntaxNode): string {
    const name = this.of(node);
    if (LABEL_NAME.test(name)) return name;
    throw this.wrong(node.from, `unexpected ${JSON.stringify(name)} in grouping opts, expected label`);
  }

  durationMs(text: string, from: number): number {
    const ms = parseDurationMs(text);
    if (ms === undefined) {
      const why = `not a valid duration string: ${JSON.stringify(text)}; only plain durations such as 5m are supported`;
      throw this.wrong(from, why);
    }
    if (ms === 0) throw this.wrong(from, 'duration must be greater than 0');
    return ms;
  }

  wrong(from: number, message: string): QueryError {
    const before = this.text.slice(0, from).split('\n');
    const place = `${before.length}:${(before.at(-1)?.length ?? 0) + 1}`;
    return new QueryError('bad_data', `invalid parameter "query": ${place}: parse error: ${message}`);
  }

  notSupported(from: number, what: string): QueryError {
    const column = from - this.text.lastIndexOf('\n', from - 1);
    return new QueryError(
      'bad_data',
      `not supported: ${what}, at character ${column} of the query; the embedded metrics store answers a part of PromQL (docs/metrics-store.md)`,
    );
  }
}

/** A number of PromQL 2: durations as numbers came later. */
export function numberOf(text: string): number | undefined {
  const [, sign = '', rest = ''] = /^([+-]?)\s*(.*)$/s.exec(text) ?? [];
  const factor = sign === '-' ? -1 : 1;
  if (rest === 'inf') return factor * Number.POSITIVE_INFINITY;
  if (rest === 'nan') return Number.NaN;
  if (/^0x[0-9a-f]+$/.test(rest)) return factor * Number(rest);
  if (/^0[0-7]+$/.test(rest)) return factor * Number.parseInt(rest, 8);
  if (/^(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/.test(rest)) return factor * Number(rest);
  return undefined;
}

const SIMPLE: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  "'": "'",
  '"': '"',
};
const ESCAPE = /\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|([\s\S]))/g;

/** What a quoted text of PromQL says, by Go's rules; undefined when it is none. */
function unquote(source: string): string | undefined {
  const quote = source[0] ?? '';
  if (source.length < 2 || !'"\'`'.includes(quote) || !source.endsWith(quote)) return undefined;
  const inside = source.slice(1, -1);
  if (quote === '`') return inside;
  if (inside.includes('\n')) return undefined;
  if (!inside.includes('\\')) return inside;
  let isWrong = false;
  // Single bytes (\xff) can make up a character only together, so all is put together as bytes.
  const bytes: Buffer[] = [];
  let from = 0;
  for (const match of inside.matchAll(ESCAPE)) {
    bytes.push(Buffer.from(inside.slice(from, match.index)));
    from = match.index + match[0].length;
    const [, byte, four, eight, octal, simple] = match;
    const code = Number.parseInt(byte ?? four ?? eight ?? '', 16);
    if (byte !== undefined) bytes.push(Buffer.from([code]));
    else if (four !== undefined || eight !== undefined) {
      if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) isWrong = true;
      else bytes.push(Buffer.from(String.fromCodePoint(code)));
    } else if (octal !== undefined) {
      const value = Number.parseInt(octal, 8);
      if (value > 255) isWrong = true;
      else bytes.push(Buffer.from([value]));
    } else {
      const character = SIMPLE[simple ?? ''];
      // The other kind of quote needs no escape, and Go allows none.
      if (character === undefined || ('"\''.includes(character) && character !== quote)) isWrong = true;
      else bytes.push(Buffer.from(character));
    }
  }
  bytes.push(Buffer.from(inside.slice(from)));
  return isWrong ? undefined : Buffer.concat(bytes).toString('utf8');
}

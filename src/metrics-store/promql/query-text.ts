import type { SyntaxNode } from '@lezer/common';
import { parseDurationMs } from './duration.ts';
import { QueryError } from './query-error.ts';
import { unquote } from './string-literal.ts';

const LABEL_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

/** The text of a query: reads the words in it, and tells where in it something is wrong. */
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

/** The one place where text from outside becomes part of a query. */

const LABEL_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

/** A double-quoted PromQL string that reads back as exactly this text. Half surrogates, which no label can hold, become U+FFFD. */
export function quoted(text: string): string {
  const escaped = text.toWellFormed().replace(/[\\"\u0000-\u001f\u007f]/g, (character) => {
    if (character === '\n') return '\\n';
    if (character === '\\' || character === '"') return `\\${character}`;
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
  return `"${escaped}"`;
}

/** A regular expression (RE2) that matches exactly this text. */
export function literalPattern(text: string): string {
  return text.replace(/[\\.+*?()|[\]{}^$]/g, '\\$&');
}

export function labelName(name: string): string {
  if (!LABEL_NAME.test(name)) throw new RangeError(`${JSON.stringify(name)} is not a Prometheus label name`);
  return name;
}

export type MatchOperator = '=' | '!=' | '=~' | '!~';

export function matcher(label: string, operator: MatchOperator, value: string): string {
  return `${labelName(label)}${operator}${quoted(value)}`;
}

/** Matches a label with one of these values; both stores answer an alternation of plain texts from their index. */
export function anyOf(label: string, values: readonly string[]): string {
  const [only] = values;
  if (values.length === 1 && only !== undefined) return matcher(label, '=', only);
  return matcher(label, '=~', values.map(literalPattern).join('|'));
}

/** `(?s)` because an id may hold a newline, which a plain dot does not match. */
export function startsWith(label: string, prefixes: readonly string[], { isNegated = false } = {}): string {
  return matcher(label, isNegated ? '!~' : '=~', `(?s:${prefixPattern(prefixes)}.*)`);
}

function prefixPattern(prefixes: readonly string[]): string {
  // One-letter prefixes become a character class, which VictoriaMetrics and Prometheus scan faster than an alternation.
  if (prefixes.every((prefix) => /^[0-9a-zA-Z]$/.test(prefix))) return `[${prefixes.join('')}]`;
  return `(?:${prefixes.map(literalPattern).join('|')})`;
}

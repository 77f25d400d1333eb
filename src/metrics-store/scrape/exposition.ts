import { METRIC_NAME } from '../storage/labels.ts';

/** A page that is not Prometheus text; the whole page is refused, as Prometheus does. */
export class ExpositionError extends Error {
  readonly line: number;
  constructor(line: number, message: string) {
    super(`line ${line}: ${message}`);
    this.name = 'ExpositionError';
    this.line = line;
  }
}

export interface PageSample {
  readonly value: number;
  readonly isEnd: boolean;
  readonly timeMs: number | undefined;
}

export interface ExpositionVisitor {
  /**
   * The series whose text stands at `at`, when the visitor foresaw it: pages repeat themselves from scrape to scrape, and to
   * compare costs a tenth of taking apart.
   */
  foreseen(): string | undefined;
  /** `text` is the series as it stands on the page; undefined when it is the one that was foreseen. */
  sample(text: string | undefined, sample: PageSample, line: number): void;
  /** The word that stands for a value where a series has ended. */
  readonly endMark: string | undefined;
}

const NEWLINE = 10;
const SPACE = 32;
const TAB = 9;
const HASH = 35;
const BRACE = 123;
const QUOTE = 34;
const BACKSLASH = 92;
const CLOSING_BRACE = 125;

/**
 * Goes through a page in Prometheus' text format (0.0.4), sample by sample, or through a piece of it that begins and ends with
 * a line. Tells how many lines of the page are behind it then. Throws an ExpositionError.
 */
export function readExposition(page: string, visitor: ExpositionVisitor, linesBefore = 0): number {
  let line = linesBefore;
  for (let from = 0; from < page.length; ) {
    line += 1;
    let end = page.indexOf('\n', from);
    if (end < 0) end = page.length;
    let at = skipBlanks(page, from);
    const first = page.charCodeAt(at);
    if (at >= end || first === NEWLINE || first === HASH) {
      from = end + 1;
      continue;
    }
    const foreseen = visitor.foreseen();
    let text: string | undefined;
    if (foreseen !== undefined && page.startsWith(foreseen, at) && isBlank(page, at + foreseen.length)) {
      at += foreseen.length;
    } else {
      const closing = seriesEnd(page, at, end);
      if (closing < 0) throw new ExpositionError(line, 'the labels do not end');
      text = page.slice(at, closing);
      at = closing;
    }
    // A label value cannot hold a raw newline, so the line ends where the first one stands.
    at = skipBlanks(page, at);
    let valueEnd = at;
    while (valueEnd < end && !isBlank(page, valueEnd)) valueEnd += 1;
    const word = page.slice(at, valueEnd);
    const isEnd = word === visitor.endMark;
    const value = isEnd ? Number.NaN : readValue(word);
    if (value === undefined) throw new ExpositionError(line, `no number: ${JSON.stringify(page.slice(at, at + 40))}`);
    const rest = valueEnd < end ? page.slice(valueEnd, end).trim() : '';
    if (rest !== '' && !/^-?\d{1,15}$/.test(rest))
      throw new ExpositionError(line, 'no time stamp in milliseconds after the value');
    visitor.sample(text, { value, isEnd, timeMs: rest === '' ? undefined : Number(rest) }, line);
    from = end + 1;
  }
  return line;
}

function isBlank(page: string, at: number): boolean {
  const code = page.charCodeAt(at);
  return code === SPACE || code === TAB;
}

function skipBlanks(page: string, from: number): number {
  let at = from;
  while (isBlank(page, at)) at += 1;
  return at;
}

/** Behind the name, or behind the brace that closes its labels. */
function seriesEnd(page: string, from: number, end: number): number {
  let at = from;
  while (at < end && !isBlank(page, at) && page.charCodeAt(at) !== BRACE) at += 1;
  const brace = skipBlanks(page, at);
  if (page.charCodeAt(brace) !== BRACE) return at;
  let isQuoted = false;
  for (at = brace + 1; at < end; at += 1) {
    const code = page.charCodeAt(at);
    if (isQuoted && code === BACKSLASH) at += 1;
    else if (code === QUOTE) isQuoted = !isQuoted;
    else if (!isQuoted && code === CLOSING_BRACE) return at + 1;
  }
  return -1;
}

const SPECIAL: Readonly<Record<string, number>> = {
  nan: Number.NaN,
  inf: Number.POSITIVE_INFINITY,
  '+inf': Number.POSITIVE_INFINITY,
  '-inf': Number.NEGATIVE_INFINITY,
};

function readValue(text: string): number | undefined {
  if (text === '') return undefined;
  const value = Number(text);
  return Number.isNaN(value) ? SPECIAL[text.toLowerCase()] : value;
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*/;
const LABEL = /\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*=\s*"((?:[^"\\]|\\.)*)"\s*(,|$)/sy;

/** Takes `name{label="value",…}` apart; undefined when it is none. */
export function readSeriesText(text: string): [name: string, value: string][] | undefined {
  const name = NAME.exec(text)?.[0];
  if (name === undefined) return undefined;
  const pairs: [string, string][] = [[METRIC_NAME, name]];
  const rest = text.slice(name.length).trim();
  if (rest === '') return pairs;
  if (!rest.startsWith('{') || !rest.endsWith('}')) return undefined;
  const body = rest.slice(1, -1).trim();
  const seen = new Set<string>([METRIC_NAME]);
  LABEL.lastIndex = 0;
  for (let at = 0; at < body.length; at = LABEL.lastIndex) {
    const match = LABEL.exec(body);
    const label = match?.[1];
    if (!match || label === undefined || seen.has(label)) return undefined;
    seen.add(label);
    pairs.push([label, unescaped(match[2] ?? '')]);
  }
  return pairs;
}

function unescaped(text: string): string {
  if (!text.includes('\\')) return text;
  return text.replace(/\\(.)/gs, (whole, character: string) => {
    if (character === 'n') return '\n';
    return character === '\\' || character === '"' ? character : whole;
  });
}

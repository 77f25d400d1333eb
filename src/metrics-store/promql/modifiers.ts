import type { MatrixSelector, VectorSelector } from './expression.ts';
import type { QueryError } from './query-error.ts';
import { numberOf, type QueryText } from './query-text.ts';

/** What may stand behind a selector. */
export interface Modifier {
  readonly kind: 'range' | 'offset' | 'at';
  readonly from: number;
  /** Its value: a duration with its sign, a number, `start` or `end`. */
  readonly text: string;
}

const NUMBER = String.raw`[+-]?\s*(?:0x[0-9a-f]+|(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?|inf|nan)(?![\w.])`;
/** Whatever has to be skipped in one piece, and the modifiers themselves. */
const TOKEN = new RegExp(
  [
    String.raw`"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|\`[^\`]*\`|#[^\n]*`,
    String.raw`\[(?<range>[^\][]*)\]`,
    String.raw`\boffset\s+(?<offset>[+-]?\s*(?:\d+(?:ms|[smhdwy]))+)(?!\w)`,
    String.raw`@\s*(?<at>${NUMBER}|(?:start|end)\s*\(\s*\))`,
    String.raw`(?<word>[a-z_:][\w:]*)`,
    '(?<brace>[{}])',
  ].join('|'),
  'gis',
);

/**
 * Takes ranges, `offset` and `@` out of a query, leaving blanks. They are listed by where the selector before them ends. The
 * grammar is made for editors and lets them belong to everything on their left: in `a - b offset 5m` to the difference.
 */
export function takeModifiers(query: string): { plain: string; modifiers: Map<number, Modifier[]> } {
  const modifiers = new Map<number, Modifier[]>();
  let plain = '';
  let from = 0;
  let isInBraces = false;
  // The end of the last thing that was neither blank, comment nor modifier.
  let anchor = 0;
  for (const match of query.matchAll(TOKEN)) {
    const { range, offset, at, word, brace } = match.groups ?? {};
    const text = match[0];
    const between = query.slice(from, match.index);
    if (between.trim() !== '') anchor = from + between.trimEnd().length;
    plain += between;
    from = match.index + text.length;
    if (brace !== undefined) isInBraces = brace === '{';
    const kind = range !== undefined ? 'range' : offset !== undefined ? 'offset' : at !== undefined ? 'at' : undefined;
    if (kind === undefined || word !== undefined || isInBraces) {
      plain += text;
      if (!text.startsWith('#')) anchor = from;
      continue;
    }
    plain += text.replace(/[^\n]/g, ' ');
    const value = (range ?? offset ?? at ?? '').replace(/\s+/g, '');
    const known = modifiers.get(anchor) ?? [];
    modifiers.set(anchor, [...known, { kind, from: match.index, text: value }]);
  }
  return { plain: plain + query.slice(from), modifiers };
}

/** A selector with the range, the offset and the moment that stand behind it. */
export function modifiedSelector(
  selector: VectorSelector,
  modifiers: readonly Modifier[],
  query: QueryText,
): VectorSelector | MatrixSelector {
  let rangeMs: number | undefined;
  let { offsetMs, at } = selector;
  for (const [place, { kind, text, from }] of modifiers.entries()) {
    switch (kind) {
      case 'range':
        if (place > 0) throw query.wrong(from, 'no offset or @ modifiers allowed before range');
        rangeMs = query.durationMs(text, from);
        break;
      case 'offset':
        if (offsetMs !== 0) throw query.wrong(from, 'offset may not be set multiple times');
        offsetMs = query.durationMs(text.replace(/^[+-]/, ''), from) * (text.startsWith('-') ? -1 : 1);
        break;
      case 'at':
        if (at !== undefined) throw query.wrong(from, '@ <timestamp> may not be set multiple times');
        at = momentOf(text.toLowerCase());
        if (at === undefined) throw query.wrong(from, 'timestamp out of bounds for @ modifier');
        break;
      default:
        kind satisfies never;
    }
  }
  const whole: VectorSelector = { ...selector, offsetMs, at };
  return rangeMs === undefined ? whole : { kind: 'matrix-selector', selector: whole, rangeMs };
}

/** A modifier that stands behind no selector. */
export function misplaced({ kind, from }: Modifier, query: QueryText): QueryError {
  if (kind === 'range') return query.wrong(from, 'ranges only allowed for vector selectors');
  const what = kind === 'at' ? '@ modifier' : 'offset modifier';
  return query.wrong(from, `${what} must be preceded by an instant vector selector or range vector selector`);
}

function momentOf(text: string): number | 'start' | 'end' | undefined {
  if (text.startsWith('start')) return 'start';
  if (text.startsWith('end')) return 'end';
  const ms = Math.round((numberOf(text) ?? Number.NaN) * 1000);
  return Number.isSafeInteger(ms) ? ms : undefined;
}

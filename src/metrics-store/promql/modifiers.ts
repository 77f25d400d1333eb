/** What may stand behind a selector. */
export interface Modifier {
  readonly kind: 'range' | 'offset' | 'at';
  readonly from: number;
  /** What it says: a duration with its sign, a number, `start` or `end`. */
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
 * Takes ranges, `offset` and `@` out of a query, leaving blanks, and tells them by where the selector before them ends. The
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
    const said = (range ?? offset ?? at ?? '').replace(/\s+/g, '');
    const known = modifiers.get(anchor) ?? [];
    modifiers.set(anchor, [...known, { kind, from: match.index, text: said }]);
  }
  return { plain: plain + query.slice(from), modifiers };
}

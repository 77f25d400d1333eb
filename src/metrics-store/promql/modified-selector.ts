import type { MatrixSelector, VectorSelector } from './expression.ts';
import type { Modifier } from './modifiers.ts';
import type { QueryError } from './query-error.ts';
import { numberOf, type QueryText } from './query-text.ts';

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

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anyOf, literalPattern, matcher, quoted, startsWith } from '../../../src/adapters/prometheus/promql-text.ts';

/** What a store reads: Go's rules for double-quoted strings, as far as they are used. */
function unquote(text: string): string {
  expect(text.startsWith('"') && text.endsWith('"')).toBe(true);
  const inner = text.slice(1, -1);
  expect(inner).not.toMatch(/[\n\u0000-\u001f]/);
  return inner.replace(/\\(?:u([0-9a-f]{4})|(.))/g, (_, hex: string | undefined, plain: string | undefined) => {
    if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16));
    if (plain === 'n') return '\n';
    expect(['\\', '"']).toContain(plain);
    return plain ?? '';
  });
}

const anyText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 255 }),
  fc.string({
    unit: fc.constantFrom('"', '\\', '\n', '{', '}', ',', '=', '~', '|', '.', '*', 'é', '\u0000'),
    maxLength: 20,
  }),
);

describe('text in PromQL', () => {
  it('reads back as exactly what went in, and cannot end its string', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const literal = quoted(text);
        expect(unquote(literal)).toBe(text.toWellFormed());
        // Every inner quote is escaped by an odd number of backslashes.
        expect(literal.slice(1, -1)).not.toMatch(/(?<!\\)(?:\\\\)*"/);
      }),
    );
  });

  it('matches literally where a regular expression is asked for', () => {
    fc.assert(
      fc.property(anyText, anyText, (text, other) => {
        const pattern = new RegExp(`^(?:${literalPattern(text)})$`, 's');
        expect(pattern.test(text)).toBe(true);
        expect(pattern.test(other)).toBe(other === text);
      }),
    );
  });

  it('refuses label names that are none', () => {
    expect(() => matcher('a b', '=', 'x')).toThrow(/not a Prometheus label name/);
    expect(() => matcher('a="x"} or {b', '=', 'x')).toThrow(RangeError);
  });

  it('writes matchers for one, several and prefixes', () => {
    expect(anyOf('bucket', ['7'])).toBe('bucket="7"');
    expect(anyOf('bucket', ['7', '8.'])).toBe('bucket=~"7|8\\\\."');
    expect(startsWith('id', ['0', 'a'])).toBe('id=~"(?s:[0a].*)"');
    expect(startsWith('id', ['ab', 'c.'], { isNegated: true })).toBe('id!~"(?s:(?:ab|c\\\\.).*)"');
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { printable, printableLine } from '../../src/lib/printable.ts';

describe('printable', () => {
  it('spells out what a terminal would obey', () => {
    expect(printable('a\u001b[31mred\u009b0m\u0007')).toBe('a\\u001b[31mred\\u009b0m\\u0007');
    expect(printable('over\rwritten\u2028next')).toBe('over\\u000dwritten\\u2028next');
    expect(printable('version-\u202e1.2')).toBe('version-\\u202e1.2');
  });

  it('leaves text in any script alone, and keeps lines apart', () => {
    expect(printable('"näme" 名前 🐦\n\tnext')).toBe('"näme" 名前 🐦\n\tnext');
  });

  it('keeps an id in its line', () => {
    expect(printableLine('two\nlines\there')).toBe('two\\u000alines\\u0009here');
  });

  it('lets no control character through, whatever comes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(printableLine(text)).not.toMatch(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u);
      }),
    );
  });
});

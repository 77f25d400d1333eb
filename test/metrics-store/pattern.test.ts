import { describe, expect, it } from 'vitest';
import { compilePattern } from '../../src/metrics-store/storage/pattern.ts';
import { PatternError } from '../../src/metrics-store/storage/pattern-error.ts';

describe('a regular expression of RE2', () => {
  it.each([
    ['a.c', 'abc', true],
    ['a.c', 'xabc', false],
    ['a.c', 'a\nc', false],
    ['a.c', 'a\u2028c', true],
    ['(?s)a.c', 'a\nc', true],
    ['(?s:a.)b.', 'a\nb\n', false],
    ['a(?i)b|C', 'aB', true],
    ['a(?i)b|C', 'c', true],
    ['a(?i)b|C', 'AB', false],
    ['(?i:a(?-i:B))', 'AB', true],
    ['(?i:a(?-i:B))', 'ab', false],
    ['(?P<x>a)+', 'aaa', true],
    ['\\Qa.b\\E.', 'a.bc', true],
    ['\\Qa.b\\E.', 'axbc', false],
    ['\\Aab\\z', 'ab', true],
    ['[[:digit:]a-c]+', '1b', true],
    ['[]a]+', ']a', true],
    ['[^]a]', ']', false],
    ['[a\\-z]+', 'a-z', true],
    ['[a\\-z]', 'm', false],
    ['a{2}b{,3}', 'aab{,3}', true],
    ['\\x41\\x{1F426}', 'A🐦', true],
    ['\\p{Han}.', '鳥🐦', true],
    ['\\pL\\PL', 'a1', true],
    ['\\s\\S', ' x', true],
    ['\\s', '\u00a0', false],
    ['a/b-c_d', 'a/b-c_d', true],
    ['\\/\\-\\_', '/-_', true],
    ['', '', true],
    ['a|', '', true],
  ])('%j on %j: %s', (source, text, isMatch) => {
    expect(compilePattern(source).test(text)).toBe(isMatch);
    expect(compilePattern(source).exec(text) !== undefined).toBe(isMatch);
  });

  it.each([
    '(',
    ')',
    'a**',
    '[a',
    '(?=a)',
    '(?<!a)',
    '\\1',
    '\\',
    'a{1001}',
    '[z-a]',
    '\\p{Nope}',
    '\\k',
    '[[:nope:]]',
    '(?U)a',
  ])('%j is refused', (source) => {
    expect(() => compilePattern(source)).toThrow(PatternError);
  });

  it('is ended when it would take for ever', () => {
    const pattern = compilePattern('(a|aa)+c');
    expect(() => pattern.test('a'.repeat(80))).toThrow('takes too long');
    expect(pattern.test('aac')).toBe(true);
  });

  it('knows when it is only a list', () => {
    expect(compilePattern('a|b\\.c|7').literals).toEqual(new Set(['a', 'b.c', '7']));
    expect(compilePattern('a|b.').literals).toBeUndefined();
  });
});

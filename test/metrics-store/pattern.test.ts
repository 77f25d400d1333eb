import { describe, expect, it } from 'vitest';
import { compilePattern, PatternError } from '../../src/metrics-store/storage/pattern.ts';

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
    ['[[:^digit:]]', 'a', true],
    ['[[:^digit:]]', '1', false],
    ['a{2}b{,3}', 'aab{,3}', true],
    ['(?U)a+', 'aa', true],
    ['(?i)k', '\u212a', true],
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
    expect(compilePattern(source).expand('', text) !== undefined).toBe(isMatch);
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
  ])('%j is refused', (source) => {
    expect(() => compilePattern(source)).toThrow(PatternError);
  });

  it('takes time linear in the text, where backtracking would never end', () => {
    const pattern = compilePattern('(a|aa)+c');
    expect(pattern.test('a'.repeat(10_000))).toBe(false);
    expect(pattern.expand('$1', `${'a'.repeat(10_000)}c`)).toBe('a');
    expect(pattern.test('aac')).toBe(true);
  });

  it('is given up when it is long and there are very many texts', () => {
    const parts = Array.from({ length: 1_000 }, (_, at) => `.*${(at % 16).toString(16)}.{${at % 30}}[0-7]`);
    const pattern = compilePattern(`(?:${parts.join('|')})z`);
    const texts = Array.from({ length: 100_000 }, (_, at) => `${at} of texts that have nothing in common with it`);
    expect(() => pattern.learn(texts)).toThrow('takes too long');
    expect(pattern.test(texts[0] as string)).toBe(false);
  });

  // biome-ignore-start lint/suspicious/noTemplateCurlyInString: that is a template of Go
  it.each([
    ['(.)(.)?', '$1-$2-${1}x-$1x-$9-$$-$', 'a', 'a--ax---$-$'],
    ['(?P<x>.)(?<y>.)', '${y}$x $z', 'ab', 'ba '],
    ['a|b', '$0!', 'b', 'b!'],
  ])('%j fills in %j for %j', (source, template, text, result) => {
    expect(compilePattern(source).expand(template, text)).toBe(result);
  });
  // biome-ignore-end lint/suspicious/noTemplateCurlyInString: that is a template of Go

  it('knows when it is only a list', () => {
    expect(compilePattern('a|b\\.c|7').literals).toEqual(new Set(['a', 'b.c', '7']));
    expect(compilePattern('a|b.').literals).toBeUndefined();
  });
});

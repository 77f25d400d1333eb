import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { textOf } from '../../src/commands/output.ts';

const NASTY = { id: "a\"b\n\u001b[31m\u009b\u202e\u2028'c'", plain: 'name', count: 3, none: null };

describe('the output of commands', () => {
  it.each(['json', 'yaml'] as const)('is %s that reads back as the same, and moves no cursor', async (format) => {
    const text = await textOf(format, NASTY, () => 'unused');
    expect(format === 'json' ? JSON.parse(text) : parse(text)).toEqual(NASTY);
    expect(text.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\u2028\u202e]/u);
    expect(text.endsWith('\n')).toBe(true);
  });

  it('is the text for people otherwise', async () => {
    expect(await textOf('table', NASTY, () => 'two\nlines \u001b[2J')).toBe('two\nlines \\u001b[2J\n');
  });
});

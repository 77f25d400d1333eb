import { describe, expect, it } from 'vitest';
import { type Key, pressed, TOP_START, type TopState } from '../../../src/commands/top/top-state.ts';

const SIZE = { rows: 100, page: 20 };

function afterKeys(keys: readonly Key[], start: TopState = TOP_START): TopState {
  return keys.reduce((state, key) => {
    const next = pressed(state, key, SIZE);
    if (next === 'leave') throw new Error('left');
    return next;
  }, start);
}

const named = (...names: string[]): Key[] => names.map((name) => ({ name }));
const typed = (text: string): Key[] =>
  [...text].map((sequence) => ({ sequence, name: /^[a-z0-9]$/.test(sequence) ? sequence : undefined }));

describe('keys of top', () => {
  it('leave', () => {
    expect(pressed(TOP_START, { name: 'q' }, SIZE)).toBe('leave');
    expect(pressed(TOP_START, { name: 'c', ctrl: true }, SIZE)).toBe('leave');
    expect(pressed({ ...TOP_START, isTyping: true }, { name: 'c', ctrl: true }, SIZE)).toBe('leave');
  });

  it('move within what there is', () => {
    expect(afterKeys(named('down', 'down', 'up')).first).toBe(1);
    expect(afterKeys(named('up')).first).toBe(0);
    expect(afterKeys(named('pagedown')).first).toBe(20);
    expect(afterKeys(named('end')).first).toBe(80);
    expect(afterKeys(named('end', 'down', 'pagedown')).first).toBe(80);
    expect(afterKeys(named('end', 'home')).first).toBe(0);
    expect(pressed(TOP_START, { name: 'down' }, { rows: 3, page: 20 })).toMatchObject({ first: 0 });
  });

  it('sort by the next column, from the top', () => {
    const state = afterKeys(named('down', 's'));
    expect(state.sort).not.toBe(TOP_START.sort);
    expect(state.first).toBe(0);
    const seen = new Set<string>();
    for (let sorted = TOP_START; !seen.has(sorted.sort); sorted = afterKeys(named('s'), sorted)) seen.add(sorted.sort);
    expect(seen.size).toBe(5);
  });

  it('type what to look for, in which no key means anything else', () => {
    const typing = afterKeys([...typed('/'), ...typed('q s?/é')]);
    expect(typing).toMatchObject({ isTyping: true, match: 'q s?/é', first: 0 });
    expect(afterKeys(named('backspace'), typing).match).toBe('q s?/');
    expect(afterKeys(named('return'), typing)).toMatchObject({ isTyping: false, match: 'q s?/é' });
    expect(afterKeys(named('escape'), typing)).toMatchObject({ isTyping: false, match: '' });
    // What moves the cursor elsewhere is no text.
    expect(afterKeys([{ name: 'up', sequence: '\u001b[A' }], typing).match).toBe('q s?/é');
  });

  it('hold, help, and show all again', () => {
    expect(afterKeys(named('space')).isHeld).toBe(true);
    expect(afterKeys(named('space', 'space')).isHeld).toBe(false);
    expect(afterKeys(typed('?')).isHelpShown).toBe(true);
    expect(afterKeys([...typed('/ab'), ...named('return', 'escape')]).match).toBe('');
    expect(afterKeys([{ name: undefined, sequence: '\u001b[99~' }])).toEqual(TOP_START);
  });
});

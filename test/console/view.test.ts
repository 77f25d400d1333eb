import { describe, expect, it } from 'vitest';
import { SseParser } from '../../src/console/api/sse-parser.ts';
import { Token } from '../../src/console/api/token.ts';
import { addMoves, applyMoves, hueOfMembers, memberLink, stepInGrid } from '../../src/console/view/bucket-map.ts';
import { PLAIN_QUERY } from '../../src/console/view/fleet-rows.ts';
import {
  formatAgo,
  formatCount,
  formatDuration,
  formatMember,
  formatSpan,
  formatValue,
} from '../../src/console/view/format.ts';
import { type Route, readRoute, writeRoute } from '../../src/console/view/route.ts';
import { scrollToRow, visibleRange } from '../../src/console/view/visible-rows.ts';

describe('what people read', () => {
  it('never shows a zero for what is not known', () => {
    expect([formatCount(null), formatValue(null), formatAgo(null, 0), formatDuration(undefined)]).toEqual([
      '–',
      '–',
      '–',
      '–',
    ]);
    expect([formatCount(0), formatValue(0, ' %')]).toEqual(['0', '0 %']);
  });

  it.each([
    [999, '1 s'],
    [59_400, '59 s'],
    [180_000, '3 min'],
    [7_500_000, '2 h 5 min'],
    [7_200_000, '2 h'],
    [90_000_000, '1 d 1 h'],
    [-5, '0 s'],
  ])('tells %d ms as %s', (ms, text) => {
    expect(formatSpan(ms)).toBe(text);
  });

  it('has as many digits as help', () => {
    expect([0.123, 12.34, 1234.5, 7].map((value) => formatValue(value))).toEqual(['0.12', '12.3', '1,235', '7']);
    expect(formatValue('+Inf', ' %')).toBe('∞ %');
    expect([0.4, 12, 1500, 15_000].map(formatDuration)).toEqual(['0.4 ms', '12 ms', '1.5 s', '15 s']);
  });

  it('names a member by its host and some digits', () => {
    expect([formatMember('pod-1/0a1b2c3d-x'), formatMember('plain'), formatMember(null)]).toEqual([
      'pod-1/0a1b',
      'plain',
      'nobody',
    ]);
  });
});

describe('an address within the console', () => {
  const odd = 'a/b?c#d%e <img src=x>"\u{1F426}';
  it.each<Route>([
    { page: 'fleet', query: PLAIN_QUERY },
    { page: 'fleet', query: { text: 'a&b=c #', filter: 'blind', sort: 'demand', isDescending: true } },
    { page: 'function', versionId: odd },
    { page: 'members' },
    { page: 'loops' },
  ])('leads back to $page', (route) => {
    expect(readRoute(writeRoute(route))).toEqual(route);
  });

  it('that is broken leads nowhere, and one with unknown words to the plain list', () => {
    expect(readRoute('#/functions/%E0%A4%A')).toEqual({ page: 'unknown' });
    expect(readRoute('#/elsewhere')).toEqual({ page: 'unknown' });
    expect(readRoute('')).toEqual({ page: 'fleet', query: PLAIN_QUERY });
    expect(readRoute('#/functions?show=x&sort=-y')).toMatchObject({ query: { filter: 'all', sort: 'name' } });
  });
});

describe('a link to another member', () => {
  it.each([
    ['10.0.0.1:8080', 'http://10.0.0.1:8080/'],
    ['https://admin.example/', 'https://admin.example/'],
    ['[::1]:8080', 'http://[::1]:8080/'],
    ['javascript:alert(1)', undefined],
    ['data:text/html,x', undefined],
    ['http://user:secret@host/', undefined],
    ['', undefined],
    [null, undefined],
  ])('of %s is %s', (address, link) => {
    expect(memberLink(address)).toBe(link);
  });
});

describe('the map of buckets', () => {
  const member = (memberId: string) => ({
    memberId,
    state: 'active' as const,
    version: '',
    address: '',
    weight: 1,
    isAlive: true,
    bucketsOwned: 0,
  });

  it('gives members the same colours in whichever order they come', () => {
    expect(hueOfMembers([member('b'), member('a')])).toEqual(hueOfMembers([member('a'), member('b')]));
  });

  it('moves buckets, and remembers the newest moves', () => {
    const move = { from: 'a', to: 'b', buckets: [1, 2] };
    expect(applyMoves(['a', 'a', 'a'], [move])).toEqual(['a', 'b', 'b']);
    let moves = addMoves([], [move], 1);
    for (let n = 2; n < 100; n += 1) moves = addMoves(moves, [move], n);
    expect([moves.length, moves[0]?.atMs]).toEqual([40, 99]);
  });

  it('is walked with the arrow keys, and ends at its edges', () => {
    const grid = { columns: 4, count: 10 };
    const walk = (key: string, from: number) => stepInGrid(key, from, grid);
    expect([walk('ArrowDown', 1), walk('ArrowUp', 1), walk('ArrowRight', 9), walk('End', 0), walk('Home', 7)]).toEqual([
      5, 1, 9, 9, 0,
    ]);
    expect(walk('x', 1)).toBeUndefined();
  });
});

describe('a long list', () => {
  it('draws what is in sight, and stays within its rows', () => {
    const list = { count: 10_000, rowHeight: 44, height: 440 };
    expect(visibleRange({ ...list, scrollTop: 0 })).toEqual({ first: 0, end: 18 });
    const { first, end } = visibleRange({ ...list, scrollTop: 44_000 });
    expect([first, end]).toEqual([992, 1018]);
    expect(visibleRange({ ...list, count: 3, scrollTop: 44_000 })).toEqual({ first: 3, end: 3 });
  });

  it('scrolls no further than it must', () => {
    const list = { rowHeight: 10, scrollTop: 100, height: 50 };
    expect([scrollToRow(12, list), scrollToRow(3, list), scrollToRow(20, list)]).toEqual([100, 30, 160]);
  });
});

describe('the stream of events', () => {
  it('is the same wherever the network cuts it', () => {
    const text =
      'retry: 2000\nid: e-0\nevent: hello\ndata: {"a":"x: y"}\n\n: beat\n\nevent: moves\ndata: [1]\n\nevent: bad\ndata: {\n\n';
    const expected = [
      { type: 'hello', data: { a: 'x: y' }, id: 'e-0' },
      { type: 'moves', data: [1], id: undefined },
    ];
    for (let size = 1; size < text.length; size += 7) {
      const parser = new SseParser();
      const events = [];
      for (let from = 0; from < text.length; from += size) events.push(...parser.push(text.slice(from, from + size)));
      expect(events).toEqual(expected);
    }
  });
});

describe('the token', () => {
  it('is kept for the tab, and forgotten when the member does not take it', () => {
    const kept = new Map<string, string>();
    const token = new Token({
      getItem: (key) => kept.get(key) ?? null,
      setItem: (key, value) => void kept.set(key, value),
      removeItem: (key) => void kept.delete(key),
    });
    token.refused(undefined);
    expect(token.state.value).toBe('missing');
    token.give('one');
    token.give('two');
    // An answer to a request that was made before.
    token.refused('one');
    expect([token.current(), token.state.value]).toEqual(['two', 'given']);
    token.refused('two');
    expect([token.current(), token.state.value, kept.size]).toEqual([undefined, 'wrong', 0]);
  });
});

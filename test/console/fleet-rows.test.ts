import { describe, expect, it } from 'vitest';
import type { Member, Summary } from '../../src/console/api/shapes.ts';
import {
  elsewhere,
  mergeRows,
  PLAIN_QUERY,
  type Rows,
  receivesAllChanges,
  replaceRows,
  rowStatusOf,
  selectRows,
  totalsOf,
} from '../../src/console/view/fleet-rows.ts';

type Latest = NonNullable<Summary['latest']>;

function aRow(versionId: string, changes: Partial<Summary> = {}, latest: Partial<Latest> | null = {}): Summary {
  return {
    versionId,
    name: null,
    functionId: `f-${versionId}`,
    account: 'acme',
    bucket: 1,
    owner: 'm1',
    isMine: true,
    applied: 2,
    phase: 'settled',
    outcome: 'applied',
    changedAt: null,
    utilisation: 50,
    demand: 1,
    latest: latest && {
      at: '2026-01-01T00:00:00.000Z',
      verdict: 'keep',
      previous: 2,
      wanted: 2,
      actual: 2,
      policy: 'target',
      reasons: ['load-within-band'],
      ...latest,
    },
    ...changes,
  };
}

const rowsOf = (...items: Summary[]): Rows => mergeRows(new Map(), items);
const ids = (rows: ReturnType<typeof selectRows>) => rows.map(({ summary }) => summary.versionId);

describe('whether a page hears of everything from the member that serves it', () => {
  const aMember = (memberId: string, isAlive = true): Member => ({
    ...{ memberId, isAlive, state: 'active', version: '1', address: '', weight: 1, bucketsOwned: 512 },
  });
  const mine = rowsOf(aRow('a'), aRow('b'));

  it('does so from one that is alone', () => {
    expect(receivesAllChanges(mine, [aMember('m1'), aMember('m2', false)])).toBe(true);
  });

  it('does not where another lives: its first version would never appear, since nothing here reports it', () => {
    expect(receivesAllChanges(mine, [aMember('m1'), aMember('m2')])).toBe(false);
    expect(receivesAllChanges(new Map(), [aMember('m1'), aMember('m2')])).toBe(false);
  });

  it('does not where a row is of another, or before anybody is known', () => {
    expect(receivesAllChanges(rowsOf(aRow('a', { isMine: false })), [aMember('m1')])).toBe(false);
    expect(receivesAllChanges(mine, [])).toBe(false);
  });
});

describe('a row of the fleet', () => {
  it.each([
    ['steady', aRow('v')],
    ['failed', aRow('v', { outcome: 'fenced' })],
    ['elsewhere', aRow('v', { isMine: false }, null)],
    ['unjudged', aRow('v', {}, null)],
    ['people', aRow('v', {}, { verdict: 'abstain', reasons: ['paused'] })],
    ['blind', aRow('v', {}, { verdict: 'abstain', reasons: ['no-samples'] })],
    ['frozen', aRow('v', {}, { reasons: ['idle', 'fleet-frozen'] })],
    ['moving', aRow('v', {}, { verdict: 'raise' })],
    ['moving', aRow('v', {}, { actual: 1 })],
    ['moving', aRow('v', { phase: 'pending' })],
    ['held', aRow('v', {}, { reasons: ['load-below-target', 'held-by-cooldown'] })],
  ] as const)('is %s', (status, summary) => {
    expect(rowStatusOf(summary)).toBe(status);
  });

  it('is found by any of its words, all of them together', () => {
    const rows = rowsOf(aRow('checkout-eu'), aRow('checkout-us'), aRow('ocr', {}, { reasons: ['ceiling'] }));
    const find = (text: string) => ids(selectRows(rows, { ...PLAIN_QUERY, text }));
    expect(find('CHECKOUT eu')).toEqual(['checkout-eu']);
    expect(find('ceiling')).toEqual(['ocr']);
    expect(find('  ')).toHaveLength(3);
    expect(find('nothing')).toEqual([]);
  });

  it('is found and sorted by its name, and by its id where it has none', () => {
    const rows = rowsOf(
      aRow('b'),
      aRow('z', { name: 'Aviary <i>of</i> Europe' }),
      aRow('y', { name: 'c' }),
      aRow('x', { name: 'c' }),
    );
    expect(ids(selectRows(rows, { ...PLAIN_QUERY, text: 'aviary <I>' }))).toEqual(['z']);
    expect(ids(selectRows(rows, { ...PLAIN_QUERY, text: 'z' }))).toEqual(['z']);
    expect(ids(selectRows(rows, PLAIN_QUERY))).toEqual(['z', 'b', 'x', 'y']);
  });

  it('keeps its name when it goes to a member that tells none here, and loses it when its owner says so', () => {
    const named = rowsOf(aRow('v', { name: 'checkout' }));
    const nameOf = (rows: Rows) => rows.get('v')?.summary.name;
    expect(nameOf(mergeRows(named, [], ['v']))).toBe('checkout');
    expect(nameOf(mergeRows(named, [aRow('v', { owner: 'm2', isMine: false }, null)]))).toBe('checkout');
    expect(nameOf(mergeRows(named, [aRow('v')]))).toBeNull();
  });

  it('is sorted with the unknown last in either direction, and infinity above all numbers', () => {
    const rows = rowsOf(
      aRow('a', { utilisation: null }),
      aRow('b', { utilisation: 10 }),
      aRow('c', { utilisation: '+Inf' }),
      aRow('d', { utilisation: 10 }),
    );
    const by = (isDescending: boolean) => ids(selectRows(rows, { ...PLAIN_QUERY, sort: 'utilisation', isDescending }));
    expect(by(false)).toEqual(['b', 'd', 'c', 'a']);
    expect(by(true)).toEqual(['c', 'b', 'd', 'a']);
  });

  it('is not set back by a reading that was on its way when it changed', () => {
    const news = aRow('v', {}, { at: '2026-01-01T00:00:05.000Z', wanted: 9 });
    const merged = mergeRows(rowsOf(news), [aRow('v')]);
    expect(merged.get('v')?.summary.latest?.wanted).toBe(9);
    expect(mergeRows(merged, [aRow('v', { owner: 'm2', isMine: false }, null)]).get('v')?.status).toBe('elsewhere');
  });

  it('goes elsewhere when it leaves this member, and away when no reading names it', () => {
    const left = mergeRows(rowsOf(aRow('v'), aRow('w')), [], ['v', 'never-known']);
    expect([...left.values()].map(({ status }) => status)).toEqual(['elsewhere', 'steady']);
    expect([...replaceRows(left, [aRow('w')]).keys()]).toEqual(['w']);
  });

  it('is believed to the next member that answers, once nothing is live any more', () => {
    const lost = aRow('v', { isMine: false }, null);
    const before = rowsOf(aRow('v'));
    expect(mergeRows(before, [lost]).get('v')?.summary.isMine).toBe(true);
    const after = mergeRows(elsewhere(before), [lost]);
    expect(after.get('v')?.status).toBe('elsewhere');
    expect(mergeRows(after, [aRow('v')]).get('v')?.status).toBe('steady');
  });

  it('counts towards what is shown above the table', () => {
    const totals = totalsOf(
      rowsOf(aRow('a'), aRow('b', {}, { verdict: 'raise', wanted: 5 }), aRow('c', { isMine: false }, null)),
    );
    expect(totals).toMatchObject({ versions: 3, wanted: 9, actual: 4, seen: 2 });
    expect(totals.byFilter).toMatchObject({ all: 3, moving: 1, elsewhere: 1, failed: 0 });
  });

  it('is one of ten thousand, chosen in no time that anybody notices', () => {
    const rows = rowsOf(...Array.from({ length: 10_000 }, (_, index) => aRow(`v-${index}`, { demand: index % 97 })));
    const startedMs = performance.now();
    const chosen = selectRows(rows, { ...PLAIN_QUERY, text: 'v-1', sort: 'demand', isDescending: true });
    expect(chosen.length).toBe(1_111);
    expect(performance.now() - startedMs).toBeLessThan(500);
  });
});

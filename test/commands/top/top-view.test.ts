import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { fleetRows } from '../../../src/commands/fleet-table.ts';
import { TOP_START, type TopState } from '../../../src/commands/top/top-state.ts';
import { type TopFacts, topOnce, topView } from '../../../src/commands/top/top-view.ts';
import type { FleetFunction } from '../../../src/wiring/fleet/fleet.ts';

const AT = Date.parse('2026-01-01T00:00:00Z');

function aFunction(index: number, verdict = 'keep'): FleetFunction {
  const versionId = `v-${String(index).padStart(3, '0')}`;
  return {
    ...{ versionId, name: null, functionId: 'f', account: 'a', owner: 'm1', isMine: true, seenAt: null, applied: 1 },
    ...{ phase: null, outcome: null, changedAt: null, min: 0, max: 5, utilisation: index, demand: 0 },
    latest: { at: null, verdict, wanted: 2, actual: 1, policy: 'target', reasons: ['load-within-band'] },
  };
}

function facts(changes: Partial<TopFacts> = {}, count = 50): TopFacts {
  return {
    url: 'http://127.0.0.1:8080',
    atMs: AT,
    status: {
      memberId: 'm1',
      version: '1',
      freeze: { isFrozen: false, isReleased: false, since: null, cause: null },
      dependencies: [{ name: 'store', state: 'up', detail: 'sqlite' }],
    },
    members: [
      { memberId: 'm1', address: '', isAlive: true, bucketsOwned: 1024 },
      { memberId: 'm0', address: '', isAlive: false, bucketsOwned: 0 },
    ],
    rows: fleetRows(
      Array.from({ length: count }, (_, index) => aFunction(index)),
      [],
    ),
    ...changes,
  };
}

function view(
  seen: TopFacts,
  changes: { state?: Partial<TopState>; width?: number; height?: number; nowMs?: number; fault?: string } = {},
): string[] {
  const { state, fault, ...rest } = changes;
  return topView(seen, {
    ...{ width: 100, height: 12, nowMs: AT, ...rest },
    state: { ...TOP_START, sort: 'name', ...state },
    fault,
    paint: (format, text) => `<${format}>${text}`,
  });
}

describe('the picture of top without a row', () => {
  it('says that there are no versions, and when the first one appears', () => {
    expect(view(facts({}, 0)).join('\n')).toMatch(/There are no active function versions\. One appears within/);
    expect(topOnce(facts({}, 0), { sort: 'name', match: '' }).at(-1)).toMatch(/There are no active function versions/);
  });

  it('says that nothing holds what was looked for, and how to see all again', () => {
    expect(view(facts(), { state: { match: 'zzz' } }).join('\n')).toContain('No active function version matches. Esc');
  });
});

describe('the picture of top', () => {
  it('is exactly as large as the terminal, however small that is', () => {
    for (const [width, height] of [
      [100, 12],
      [40, 6],
      [200, 80],
      [20, 7],
    ] as const) {
      const lines = topView(facts(), {
        ...{ width, height, nowMs: AT, fault: undefined },
        state: TOP_START,
        paint: (_, text) => text,
      });
      expect(lines).toHaveLength(height);
      expect(Math.max(...lines.map((line) => stripVTControlCharacters(line).length))).toBeLessThanOrEqual(width);
    }
  });

  it('sums up, and shows the page that was chosen', () => {
    const lines = view(facts(), { state: { first: 10 }, width: 120 });
    expect(lines[0]).toBe(
      'starling http://127.0.0.1:8080  1 replica, 50 function versions, 100 instances wanted, 50 running',
    );
    expect(lines[1]).toBe('<dim>store, metrics and control plane answer');
    expect(lines[4]).toMatch(/^v-010 /);
    expect(lines.at(-1)).toMatch(/^<dim>11 to 17 of 50 {2}by name {2}q leaves/);
    // Fewer than before: the last page is full.
    expect(view(facts(), { state: { first: 49 } })[4]).toMatch(/^v-043 /);
  });

  it('shows what is looked for, while it is typed and after', () => {
    expect(view(facts(), { state: { isTyping: true, match: 'v-04' } }).at(-1)).toMatch(/^<dim>\/v-04▏/);
    const found = view(facts(), { state: { match: 'v-04' }, height: 20 });
    expect(found.filter((line) => line.startsWith('v-'))).toHaveLength(10);
    expect(found.at(-1)).toContain('1 to 10 of 10  with "v-04"');
    expect(view(facts(), { state: { match: 'zzz' } }).at(-1)).toContain('none  with "zzz"');
  });

  it('shows names, and of the ids beside them only so much that a line holds both', () => {
    const { rows } = facts({}, 2);
    const named = rows.map((row) => ({ ...row, version: { ...row.version, name: `of ${row.version.versionId}` } }));
    const long = named.map((row) => ({
      ...row,
      version: { ...row.version, versionId: `${row.version.versionId}-0123` },
    }));
    expect(view(facts({ rows: long }))[4]).toMatch(/^of v-000 {2}v-000-01… /);
    expect(topOnce(facts({ rows: long }), { sort: 'name', match: 'of v-001' })[4]).toMatch(/^of v-001 {2}v-001-0123 /);
  });

  it('says first what is wrong: its own blindness, a freeze, what is down', () => {
    const blind = view(facts(), { fault: 'cannot reach it\nand more', nowMs: AT + 7_000 });
    expect(blind[1]).toBe('<red>what you see is 7 s old: cannot reach it');
    const { status } = facts();
    const frozen = { isFrozen: true, isReleased: false, since: null, cause: 'lost \u001b[31msignals' };
    expect(view(facts({ status: { ...status, freeze: frozen } }))[1]).toBe(
      '<yellow>fleet frozen: nothing is lowered (lost \\u001b[31msignals)',
    );
    const down = [{ name: 'control-plane', state: 'down', detail: 'refused' }];
    expect(view(facts({ status: { ...status, dependencies: down } }))[1]).toBe('<red>control-plane is down: refused');
  });

  it('paints what moves', () => {
    const rows = fleetRows([aFunction(1, 'raise'), aFunction(2, 'lower'), aFunction(3, 'abstain'), aFunction(4)], []);
    const painted = view(facts({ rows })).slice(4, 8);
    expect(painted.map((line) => /^<(\w+)>/.exec(line)?.[1])).toEqual(['green', 'bold', 'red', undefined]);
  });

  it('helps, on the same space', () => {
    const lines = view(facts(), { state: { isHelpShown: true } });
    expect(lines).toHaveLength(12);
    expect(lines.join('\n')).toContain('leave');
    expect(lines.join('\n')).not.toContain('v-000');
  });
});

it('prints everything once, in full', () => {
  const lines = topOnce(facts(), { sort: 'name', match: '' });
  expect(lines).toHaveLength(54);
  expect(lines.at(-1)).toMatch(/^v-049 .*load-within-band$/);
});

import { describe, expect, it } from 'vitest';
import { arrange, fleetColumns, fleetRows, isAnyNamed, type Sort } from '../../src/commands/fleet-table.ts';
import { textTable } from '../../src/commands/text-table.ts';
import type { FleetControl, FleetFunction } from '../../src/wiring/fleet/fleet.ts';

const NOW = Date.parse('2026-01-01T00:10:00Z');

function aFunction(versionId: string, changes: Partial<FleetFunction> = {}): FleetFunction {
  return {
    versionId,
    name: null,
    functionId: `f-${versionId}`,
    account: 'acme',
    owner: 'm1',
    isMine: true,
    seenAt: null,
    applied: 2,
    phase: 'settled',
    outcome: 'applied',
    changedAt: '2026-01-01T00:00:00Z',
    min: 0,
    max: 10,
    utilisation: 50,
    demand: 1.25,
    latest: { at: null, verdict: 'raise', wanted: 3, actual: 2, policy: 'target', reasons: ['load-above-target'] },
    ...changes,
  };
}

function aControl(changes: Partial<FleetControl>): FleetControl {
  return { kind: 'pause', until: '2026-01-01T01:00:00.000Z', by: 'ada', why: 'rollout', ...changes };
}

function table(functions: FleetFunction[], controls: FleetControl[] = [], isNarrow = false): string[] {
  const rows = fleetRows(functions, controls);
  return textTable(fleetColumns({ nowMs: NOW, isNamed: isAnyNamed(rows), isNarrow }), rows);
}

describe('the table of the fleet', () => {
  it('shows what is wanted, what runs and why', () => {
    expect(table([aFunction('v1')])).toEqual([
      'VERSION  WANTED  RUNNING  BOUNDS  UTIL %  DEMAND  DECIDED  CHANGED  WHY',
      'v1            3        2   0..10      50     1.3  raise        10m  load-above-target',
    ]);
  });

  it('shows names before ids where any has one; ids are whole but where lines are narrow', () => {
    const id = '5b7c1e9a-0000-4000-8000-000000000001';
    const functions = [aFunction(id, { name: 'checkout' }), aFunction('v-without-a-name')];
    const starts = (lines: string[]) => lines.map((line) => line.split(/ {2,}/).slice(0, 3));
    expect(starts(table(functions))).toEqual([
      ['NAME', 'VERSION', 'WANTED'],
      ['checkout', id, '3'],
      ['-', 'v-without-a-name', '3'],
    ]);
    expect(starts(table(functions, [], true)).slice(1)).toEqual([
      ['checkout', '5b7c1e9a…', '3'],
      ['-', 'v-without-a-name', '3'],
    ]);
    const [, long] = table([aFunction('v', { name: 'n'.repeat(255) })], [], true);
    expect(long).toMatch(/^n{29}… {2}v /);
  });

  it('says who knows what is not known here, and falls back on what was last ordered', () => {
    const elsewhere = {
      isMine: false,
      owner: 'm2',
      latest: null,
      utilisation: null,
      demand: null,
      min: null,
      max: null,
    };
    const [, row] = table([aFunction('v1', elsewhere)]);
    expect(row?.split(/ {2,}/)).toEqual(['v1', '2', '-', '-', '-', '-', '-', '10m', 'see m2']);
    expect(table([aFunction('v1', { ...elsewhere, owner: null })])[1]).toMatch(/owned by nobody$/);
  });

  it('shows what people said before what was decided, and of a pause and an override what holds', () => {
    const pause = aControl({ versionId: 'v1' });
    const override = aControl({ kind: 'override', versionId: 'v1', wanted: 7, why: 'sale' });
    expect(table([aFunction('v1')], [override])[1]).toMatch(/overridden to 7 until .* by ada: sale$/);
    for (const controls of [
      [pause, override],
      [override, pause],
    ]) {
      expect(table([aFunction('v1')], controls)[1]).toMatch(/paused until 2026-01-01T01:00:00.000Z by ada: rollout$/);
    }
    // That of the fleet belongs to no version.
    expect(table([aFunction('v1')], [aControl({ kind: 'freeze-release' })])[1]).toMatch(/load-above-target$/);
  });

  it('keeps text from outside in its line', () => {
    const lines = table(
      [aFunction('v\n\u001b[2J', { name: 'a\r\u202eb' })],
      [aControl({ versionId: 'v\n\u001b[2J', why: 'x\r\u202ey' })],
    );
    expect(lines).toHaveLength(2);
    expect(lines[1]).toContain('v\\u000a\\u001b[2J');
    expect(lines[1]).toContain('a\\u000d\\u202eb');
    expect(lines[1]).toContain('x\\u000d\\u202ey');
  });
});

describe('the order of the fleet', () => {
  const functions = [
    aFunction('b', { utilisation: '+Inf', demand: null, changedAt: null }),
    aFunction('a', { utilisation: 10, demand: 9, applied: 5, latest: null }),
    aFunction('c', { utilisation: null, demand: 2, changedAt: '2026-01-01T00:05:00Z' }),
  ];
  it.each([
    ['name', ['a', 'b', 'c']],
    ['wanted', ['a', 'b', 'c']],
    ['utilisation', ['b', 'a', 'c']],
    ['demand', ['a', 'c', 'b']],
    ['changed', ['c', 'a', 'b']],
  ] as [Sort, string[]][])('by %s', (sort, ids) => {
    const rows = arrange(fleetRows(functions, []), { match: '', sort });
    expect(rows.map(({ version }) => version.versionId)).toEqual(ids);
  });

  it('by name is by what stands first in the row', () => {
    const named = [
      aFunction('b'),
      aFunction('z', { name: 'a' }),
      aFunction('y', { name: 'c' }),
      aFunction('x', { name: 'c' }),
    ];
    const rows = arrange(fleetRows(named, []), { match: '', sort: 'name' });
    expect(rows.map(({ version }) => version.versionId)).toEqual(['z', 'b', 'x', 'y']);
  });

  it('holds only what matches, in the name or any id and in any case', () => {
    const rows = fleetRows([...functions, aFunction('other', { account: 'Globex', name: 'Check out' })], []);
    const found = (match: string) => arrange(rows, { match, sort: 'name' }).map(({ version }) => version.versionId);
    expect(found('F-A')).toEqual(['a']);
    expect(found('globex')).toEqual(['other']);
    expect(found('check OUT')).toEqual(['other']);
    expect(found('nothing')).toEqual([]);
  });
});

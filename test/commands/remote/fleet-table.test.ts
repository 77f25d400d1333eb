import { describe, expect, it } from 'vitest';
import type { FleetControl, FleetFunction } from '../../../src/commands/remote/fleet.ts';
import { arrange, fleetColumns, fleetRows, type Sort } from '../../../src/commands/remote/fleet-table.ts';
import { textTable } from '../../../src/commands/text-table.ts';

const NOW = Date.parse('2026-01-01T00:10:00Z');

function aFunction(versionId: string, changes: Partial<FleetFunction> = {}): FleetFunction {
  return {
    versionId,
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

const table = (functions: FleetFunction[], controls: FleetControl[] = []) =>
  textTable(fleetColumns({ nowMs: NOW }), fleetRows(functions, controls));

describe('the table of the fleet', () => {
  it('shows what is wanted, what runs and why', () => {
    expect(table([aFunction('v1')])).toEqual([
      'VERSION  WANTED  RUNNING  BOUNDS  UTIL %  DEMAND  DECIDED  CHANGED  WHY',
      'v1            3        2   0..10      50     1.3  raise        10m  load-above-target',
    ]);
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
    const lines = table([aFunction('v\n\u001b[2J')], [aControl({ versionId: 'v\n\u001b[2J', why: 'x\r\u202ey' })]);
    expect(lines).toHaveLength(2);
    expect(lines[1]).toContain('v\\u000a\\u001b[2J');
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

  it('holds only what matches, in any id and any case', () => {
    const rows = fleetRows([...functions, aFunction('other', { account: 'Globex' })], []);
    const found = (match: string) => arrange(rows, { match, sort: 'name' }).map(({ version }) => version.versionId);
    expect(found('F-A')).toEqual(['a']);
    expect(found('globex')).toEqual(['other']);
    expect(found('nothing')).toEqual([]);
  });
});

import { describe, expect, it } from 'vitest';
import { PHASES } from '../../../../src/commands/dev/demo/demo-script.ts';
import { Sightings } from '../../../../src/commands/dev/demo/sightings.ts';

const NAME = 'demo-burst';
type Change = readonly [previous: number, wanted: number];

function rig() {
  const sightings = new Sightings();
  const look = (wish: number | undefined, instances: number, ...changes: Change[]) =>
    sightings.look(
      NAME,
      { wanted: wish, wish, instances },
      changes.map(([previous, wanted]) => ({ previous, wanted })),
    );
  return { sightings, look };
}

describe('what the demo is there to show', () => {
  it('is noticed once each, when the ledger tells of it', () => {
    const { sightings, look } = rig();
    expect(look(undefined, 1)).toEqual([]);
    expect(look(4, 1, [1, 4])).toEqual(['scale-up']);
    expect(look(6, 4, [4, 6])).toEqual([]);
    expect(look(2, 6, [6, 2])).toEqual(['scale-down']);
    expect(look(0, 2, [2, 0])).toEqual([]);
    expect(look(0, 0)).toEqual(['to zero']);
    expect(sightings.missing).toEqual(['from zero']);
    expect(look(3, 0, [0, 3])).toEqual([]);
    expect(look(3, 1)).toEqual(['from zero']);
    expect(sightings.missing).toEqual([]);
  });

  it('is not taken for what the platform does by itself', () => {
    const { sightings, look } = rig();
    for (const [wish, instances] of [
      [undefined, 0],
      [undefined, 3],
      [2, 5],
      [2, 1],
      [0, 0],
      [0, 1],
    ] as const) {
      expect(look(wish, instances)).toEqual([]);
    }
    expect(sightings.missing).toHaveLength(4);
  });

  it('may have happened several times between two looks', () => {
    const { look } = rig();
    expect(look(5, 1, [1, 3], [3, 2], [2, 0], [0, 2], [2, 5])).toEqual(['scale-up', 'scale-down', 'from zero']);
  });

  it('tells which of them are at zero by its word, and which it has in hand', () => {
    const sightings = new Sightings();
    const look = (name: 'demo-burst' | 'demo-rare', wish: number | undefined, instances: number) =>
      sightings.look(name, { wanted: 0, wish, instances }, []);
    look('demo-burst', 0, 0);
    look('demo-rare', undefined, 0);
    expect(sightings.areAsleep(['demo-burst'])).toBe(true);
    // Nobody has said so yet, or nobody has looked.
    expect(sightings.areAsleep(['demo-burst', 'demo-rare'])).toBe(false);
    expect(sightings.areAsleep(['demo-steady'])).toBe(false);
    look('demo-rare', 2, 0);
    expect(sightings.areInHand({ 'demo-rare': 1 })).toBe(false);
    look('demo-rare', 2, 1);
    expect(sightings.areInHand({ 'demo-rare': 2 })).toBe(true);
    expect(sightings.areInHand({ 'demo-rare': 3 })).toBe(false);
    expect(sightings.areInHand({ 'demo-rare': 1, 'demo-burst': 1 })).toBe(false);
    expect([1, 2].map((most) => sightings.areEased({ 'demo-rare': most }))).toEqual([false, true]);
    look('demo-rare', 0, 1);
    expect(sightings.areEased({ 'demo-rare': 2 })).toBe(false);
    expect(sightings.areAsleep(['demo-rare'])).toBe(false);
  });
});

describe('the script', () => {
  it('takes less than three minutes, and ends in each phase whatever happens', () => {
    const lasts = PHASES.normal.reduce((sum, { lastsMs }) => sum + lastsMs, 0);
    expect(lasts).toBeGreaterThan(100_000);
    expect(lasts).toBeLessThan(150_000);
    for (const { lastsMs, atMostMs } of PHASES.normal) {
      expect(atMostMs).toBeGreaterThan(lastsMs);
      expect(atMostMs).toBeLessThan(120_000);
    }
  });

  it('has a burst, and a silence after it', () => {
    const loads = PHASES.normal.map(({ callers }) => Object.values(callers).reduce((sum, count) => sum + count, 0));
    const burst = loads.indexOf(Math.max(...loads));
    expect(loads.indexOf(0)).toBeGreaterThan(burst);
    expect(loads.at(-1)).toBeGreaterThan(0);
  });
});

import { describe, expect, it } from 'vitest';
import { PHASES } from '../../../../src/commands/dev/demo/demo-script.ts';
import { Milestones } from '../../../../src/commands/dev/demo/milestones.ts';

const NAME = 'demo-burst';
type Change = readonly [previous: number, wanted: number];

function rig() {
  const milestones = new Milestones();
  const look = (wish: number | undefined, instances: number, ...changes: Change[]) =>
    milestones.look(
      NAME,
      { wanted: wish, wish, instances },
      changes.map(([previous, wanted]) => ({ previous, wanted })),
    );
  return { milestones, look };
}

describe('what the demo is meant to show', () => {
  it('is noticed once each, when the ledger has it', () => {
    const { milestones, look } = rig();
    expect(look(undefined, 1)).toEqual([]);
    expect(look(4, 1, [1, 4])).toEqual(['scale-up']);
    expect(look(6, 4, [4, 6])).toEqual([]);
    expect(look(2, 6, [6, 2])).toEqual(['scale-down']);
    expect(look(0, 2, [2, 0])).toEqual([]);
    expect(look(0, 0)).toEqual(['to zero']);
    expect(milestones.missing).toEqual(['from zero']);
    expect(look(3, 0, [0, 3])).toEqual([]);
    expect(look(3, 1)).toEqual(['from zero']);
    expect(milestones.missing).toEqual([]);
  });

  it('is not taken for what the platform does by itself', () => {
    const { milestones, look } = rig();
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
    expect(milestones.missing).toHaveLength(4);
  });

  it('may have happened several times between two looks', () => {
    const { look } = rig();
    expect(look(5, 1, [1, 3], [3, 2], [2, 0], [0, 2], [2, 5])).toEqual(['scale-up', 'scale-down', 'from zero']);
  });

  it('knows which functions the autoscaler sent to zero, and which it has running', () => {
    const milestones = new Milestones();
    const look = (name: 'demo-burst' | 'demo-rare', wish: number | undefined, instances: number) =>
      milestones.look(name, { wanted: 0, wish, instances }, []);
    look('demo-burst', 0, 0);
    look('demo-rare', undefined, 0);
    expect(milestones.areAtZero(['demo-burst'])).toBe(true);
    // Nobody has said so yet, or nobody has looked.
    expect(milestones.areAtZero(['demo-burst', 'demo-rare'])).toBe(false);
    expect(milestones.areAtZero(['demo-steady'])).toBe(false);
    look('demo-rare', 2, 0);
    expect(milestones.areRunning({ 'demo-rare': 1 })).toBe(false);
    look('demo-rare', 2, 1);
    expect(milestones.areRunning({ 'demo-rare': 2 })).toBe(true);
    expect(milestones.areRunning({ 'demo-rare': 3 })).toBe(false);
    expect(milestones.areRunning({ 'demo-rare': 1, 'demo-burst': 1 })).toBe(false);
    expect([1, 2].map((most) => milestones.areLowered({ 'demo-rare': most }))).toEqual([false, true]);
    look('demo-rare', 0, 1);
    expect(milestones.areLowered({ 'demo-rare': 2 })).toBe(false);
    expect(milestones.areAtZero(['demo-rare'])).toBe(false);
  });
});

describe('the script', () => {
  it('takes less than three minutes, and every phase ends', () => {
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

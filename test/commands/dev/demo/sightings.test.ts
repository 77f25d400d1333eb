import { describe, expect, it } from 'vitest';
import { PHASES } from '../../../../src/commands/dev/demo/demo-script.ts';
import { Sightings } from '../../../../src/commands/dev/demo/sightings.ts';

const NAME = 'demo-burst';

describe('what the demo is there to show', () => {
  it('is noticed once each, from one look to the next', () => {
    const sightings = new Sightings();
    const look = (wanted: number | undefined, instances: number) => sightings.look(NAME, { wanted, instances });
    expect(look(undefined, 1)).toEqual([]);
    expect(look(1, 1)).toEqual([]);
    expect(look(4, 1)).toEqual(['scale-up']);
    expect(look(6, 4)).toEqual([]);
    expect(look(2, 6)).toEqual(['scale-down']);
    expect(look(0, 2)).toEqual([]);
    expect(look(0, 0)).toEqual(['to zero']);
    expect(sightings.missing).toEqual(['from zero']);
    expect(look(0, 1)).toEqual(['from zero']);
    expect(look(3, 1)).toEqual([]);
    expect(sightings.missing).toEqual([]);
  });

  it('is not taken for what it is not', () => {
    const sightings = new Sightings();
    const look = (wanted: number, instances: number) => sightings.look(NAME, { wanted, instances });
    look(0, 0);
    // From nothing at the very start, and an instance that died while one is wanted.
    expect(look(1, 1)).toEqual([]);
    expect(look(1, 0)).toEqual([]);
    expect(look(1, 1)).toEqual([]);
    expect(sightings.missing).toHaveLength(4);
  });

  it('tells when all of it is at zero, and when the autoscaler has it in hand', () => {
    const sightings = new Sightings();
    sightings.look('demo-burst', { wanted: 0, instances: 0 });
    sightings.look('demo-rare', { wanted: 0, instances: 1 });
    expect(sightings.isAllAtZero).toBe(false);
    expect(sightings.isInHand(['demo-rare'])).toBe(false);
    sightings.look('demo-rare', { wanted: 1, instances: 1 });
    expect(sightings.isInHand(['demo-rare'])).toBe(true);
    expect(sightings.isInHand(['demo-rare', 'demo-burst'])).toBe(false);
    sightings.look('demo-rare', { wanted: 0, instances: 0 });
    expect(sightings.isAllAtZero).toBe(true);
  });
});

describe('the script', () => {
  it('takes about three minutes, and ends in each phase whatever happens', () => {
    const lasts = PHASES.normal.reduce((sum, { lastsMs }) => sum + lastsMs, 0);
    expect(lasts).toBeGreaterThan(100_000);
    expect(lasts).toBeLessThan(180_000);
    for (const { lastsMs, atMostMs } of [...PHASES.normal, ...PHASES.quick]) {
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

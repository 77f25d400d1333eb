import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FRESH_MEMORY, type Memory, readMemory, writeMemory } from '../../src/scaling/memory.ts';
import { Rehearsal } from './rehearsal.ts';
import { NOW_MS } from './situations.ts';

const FULL: Memory = {
  cycles: 3,
  wish: 12,
  raisedMs: NOW_MS - 1,
  loweredMs: NOW_MS - 2,
  divergedSinceMs: NOW_MS - 3,
  wasSighted: true,
  blindSinceMs: NOW_MS - 4,
  recoveredMs: NOW_MS - 5,
  demandProfile: 'worker-threads',
  highs: [NOW_MS - 6, 14, NOW_MS, 12],
  lows: [NOW_MS - 7, 10],
  moves: [NOW_MS - 8, -2],
};

describe('memory in a row', () => {
  it('comes back as it was', () => {
    expect(readMemory(JSON.parse(JSON.stringify(writeMemory(FULL))), NOW_MS)).toEqual(FULL);
    expect(readMemory(JSON.parse(JSON.stringify(writeMemory(FRESH_MEMORY))), NOW_MS)).toEqual(FRESH_MEMORY);
  });

  it('is a few dozen bytes for a version at rest', () => {
    const { memory } = new Rehearsal(10).settled({ utilisation: 50, calledAgoSeconds: 1 });
    expect(JSON.stringify(writeMemory(memory)).length).toBeLessThan(40);
  });

  it.each([
    ['nothing', undefined],
    ['null', null],
    ['a text', 'v1'],
    ['another version', { ...writeMemory(FULL), v: 2 }],
    ['no count of cycles', { v: 1 }],
    ['a wish that is no count', { ...writeMemory(FULL), w: -1 }],
    ['a wish that is a text', { ...writeMemory(FULL), w: '12' }],
    ['a time that is none', { ...writeMemory(FULL), r: null }],
    ['half a pair', { ...writeMemory(FULL), h: [NOW_MS] }],
    ['a pair of texts', { ...writeMemory(FULL), m: ['a', 'b'] }],
    ['more pairs than we ever write', { ...writeMemory(FULL), h: Array(1000).fill(1) }],
    ['a profile that is a number', { ...writeMemory(FULL), d: 7 }],
  ])('is fresh when it reads %s', (_what, document) => {
    expect(readMemory(document, NOW_MS)).toBe(FRESH_MEMORY);
  });

  it('never throws, whatever stands there', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (document) => {
        readMemory(document, NOW_MS);
      }),
    );
  });

  it('takes times ahead of ours for now: the clock of the last owner was fast', () => {
    const ahead = { ...FULL, raisedMs: NOW_MS + 3_600_000, highs: [NOW_MS + 3_600_000, 5] };
    expect(readMemory(writeMemory(ahead), NOW_MS)).toMatchObject({ raisedMs: NOW_MS, highs: [NOW_MS, 5] });
  });
});

describe('memory between evaluations', () => {
  it('is the same object while nothing happens', () => {
    const version = new Rehearsal(10).settled({ utilisation: 50, calledAgoSeconds: 1 });
    const { memory } = version;
    version.cycles(10, { utilisation: 55, calledAgoSeconds: 1 });
    expect(version.memory).toBe(memory);
  });

  it('forgets changes that are older than any period, and never grows beyond a few dozen', () => {
    const version = new Rehearsal(100).settled({ utilisation: 50, calledAgoSeconds: 1 });
    for (let change = 0; change < 300; change += 1) {
      version.accepted = 100 + (change % 2);
      version.running = version.accepted;
      version.cycle({ utilisation: 50, calledAgoSeconds: 1 });
    }
    expect(version.memory.moves.length).toBeLessThanOrEqual(2 * 32);
    version.nowMs += 3_600_000;
    version.cycle({ utilisation: 50, calledAgoSeconds: 1 });
    expect(version.memory.moves).toEqual([]);
  });
});

import { describe, expect, it } from 'vitest';
import { defaultPolicy } from '../../../src/domain/policy.ts';
import { readMemo, writeMemo } from '../../../src/loops/scale/memo.ts';
import { FRESH_MEMORY } from '../../../src/scaling/memory.ts';
import { aTarget, NOW_MS } from '../../scaling/situations.ts';

const memory = { ...FRESH_MEMORY, cycles: 3, wish: 5 };
const target = aTarget({ instancesMin: 1, instancesMax: 9, policy: defaultPolicy('target') });

describe('the memo for the next owner', () => {
  it('carries what deciding remembers, and bounds and policy as last known', () => {
    const read = readMemo(writeMemo({ memory, lastKnown: { target, atMs: NOW_MS - 5 } }), NOW_MS);
    expect(read).toEqual({ memory, lastKnown: { target, atMs: NOW_MS - 5 } });
  });

  it('is as long with a name as without one', () => {
    const named = writeMemo({ memory, lastKnown: { target: { ...target, name: 'checkout' }, atMs: NOW_MS } });
    expect(named).toBe(writeMemo({ memory, lastKnown: { target, atMs: NOW_MS } }));
  });

  it('takes nothing for true that was true only then, or that lies ahead', () => {
    const running = { ...target, status: 'DELETED' as const, instancesActive: 7, instancesPending: 2 };
    const { lastKnown } = readMemo(writeMemo({ memory, lastKnown: { target: running, atMs: NOW_MS + 5 } }), NOW_MS);
    expect(lastKnown?.target).toMatchObject({
      status: 'ACTIVE',
      instancesActive: undefined,
      instancesPending: undefined,
    });
    expect(lastKnown?.atMs).toBe(NOW_MS);
  });

  it.each([
    ['nothing', ''],
    ['no JSON', '{'],
    ['another kind of JSON', '[1]'],
    ['null', 'null'],
    ['a target of another shape', JSON.stringify({ lastKnown: { target: 7, atMs: 1 } })],
    ['a count that is none', JSON.stringify({ lastKnown: { target: { ...target, instancesMax: -1 }, atMs: 1 } })],
    ['an id that is none', JSON.stringify({ lastKnown: { target: { ...target, account: 1 }, atMs: 1 } })],
    ['a policy that is none', JSON.stringify({ lastKnown: { target: { ...target, policy: { kind: 'x' } }, atMs: 1 } })],
    ['a time that is none', JSON.stringify({ lastKnown: { target, atMs: 'now' } })],
  ])('is fresh where there stands %s', (_, text) => {
    expect(readMemo(text, NOW_MS)).toEqual({ memory: FRESH_MEMORY, lastKnown: undefined });
  });
});

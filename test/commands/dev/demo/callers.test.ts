import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { Callers } from '../../../../src/commands/dev/demo/callers.ts';
import { HandWoundClock } from '../../../support/hand-wound-clock.ts';

function rig() {
  const clock = new HandWoundClock();
  const leaving = new AbortController();
  const waiting: ((status: number) => void)[] = [];
  const call = () => new Promise<number>((resolve) => waiting.push(resolve));
  const callers = new Callers({ call, clock, signal: leaving.signal });
  const answer = async (status = 200) => {
    waiting.shift()?.(status);
    await turn();
  };
  return { clock, leaving, waiting, callers, answer };
}

describe('callers', () => {
  it('keep the given number of calls under way, up and down', async () => {
    const { callers, waiting, answer } = rig();
    callers.set(3);
    expect(waiting).toHaveLength(3);
    await answer();
    expect([waiting.length, callers.answered]).toEqual([3, 1]);
    callers.set(1);
    for (let left = 0; left < 2; left += 1) await answer();
    expect(waiting).toHaveLength(1);
    callers.set(2);
    expect(waiting).toHaveLength(2);
    callers.set(0);
    await answer();
    await answer();
    expect([waiting.length, callers.answered]).toEqual([0, 5]);
  });

  it('wait a little after a failure, and count it', async () => {
    const { callers, waiting, answer, clock } = rig();
    callers.set(1);
    await answer(503);
    expect([waiting.length, callers.failed, callers.answered]).toEqual([0, 1, 0]);
    await clock.wind(250);
    await turn();
    expect(waiting).toHaveLength(1);
  });

  it('stop when the signal aborts, and do not count that as a failure', async () => {
    const { callers, waiting, answer, leaving } = rig();
    callers.set(1);
    leaving.abort();
    await answer(0);
    expect([waiting.length, callers.failed]).toEqual([0, 0]);
  });
});

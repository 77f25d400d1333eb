import { afterEach, describe, expect, it, vi } from 'vitest';
import { stopOrExit } from '../../src/wiring/process-life.ts';
import { HandWoundClock } from '../support/hand-wound-clock.ts';

afterEach(() => vi.restoreAllMocks());

describe('stopping', () => {
  it('ends the process with 1, and says so, when a part does not stop in time', async () => {
    const exit = vi.spyOn(process, 'exit').mockImplementation(() => undefined as never);
    const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    const clock = new HandWoundClock();
    const hung = Promise.withResolvers<void>();
    const stopping = stopOrExit(hung.promise, { clock, afterMs: 1_000, complaint: 'the part did not stop in time' });
    await clock.wind(999);
    expect(exit).not.toHaveBeenCalled();
    await clock.wind(1);
    expect(exit.mock.calls).toEqual([[1]]);
    expect(write.mock.calls).toEqual([['starling: the part did not stop in time; ending all the same\n']]);
    hung.resolve();
    await stopping;
  });

  it('leaves the process alone when all has stopped', async () => {
    const exit = vi.spyOn(process, 'exit').mockImplementation(() => undefined as never);
    const clock = new HandWoundClock();
    await stopOrExit(Promise.resolve(), { clock, afterMs: 1_000, complaint: 'late' });
    await clock.wind(5_000);
    expect(exit).not.toHaveBeenCalled();
  });
});

import pino from 'pino';
import { describe, expect, it } from 'vitest';
import { ProfilePusher } from '../../../src/platform/profiling/profile-pusher.ts';
import { type PushedProfile, PyroscopeError } from '../../../src/platform/profiling/pyroscope.ts';
import { Recorder } from '../../../src/platform/profiling/recorder.ts';
import { HandWoundClock } from '../../support/hand-wound-clock.ts';

/** Waits for instances alone: windows that have something in them without any sampling. */
function rig({ backlogMax }: { backlogMax: number }) {
  const clock = new HandWoundClock();
  let waits = 0;
  const recorder = new Recorder({
    clock,
    types: ['lock'],
    poolWaits: () => [{ functionName: 'f', waits: ++waits, waitedSeconds: waits }],
  });
  const taken: PushedProfile[] = [];
  const tried: PushedProfile[] = [];
  let failure: PyroscopeError | undefined;
  const receiver = {
    push: async (profile: PushedProfile) => {
      tried.push(profile);
      if (failure) throw failure;
      taken.push(profile);
    },
  };
  const pusher = new ProfilePusher({
    recorder,
    receiver,
    clock,
    logger: pino({ level: 'silent' }),
    windowMs: 100,
    backlogMax,
  });
  const window = async () => {
    const before = tried.length;
    await expect.poll(() => clock.pendingTimers).toBe(1);
    await clock.wind(100);
    await expect.poll(() => tried.length).toBeGreaterThan(before);
  };
  const fail = (error: PyroscopeError | undefined) => {
    failure = error;
  };
  return { pusher, taken, window, fail };
}

describe('pushing window by window', () => {
  it('D32 keeps what was not taken, the oldest first, and no more than it may', async () => {
    const { pusher, taken, window, fail } = rig({ backlogMax: 3 });
    await window();
    expect(taken).toHaveLength(1);
    fail(new PyroscopeError('unreachable', 'away'));
    for (let count = 0; count < 5; count++) await window();
    expect(pusher.dropped).toBe(2);
    expect(taken).toHaveLength(1);
    fail(undefined);
    await window();
    // One more came, and so one more had to go.
    await expect.poll(() => taken.length).toBe(4);
    expect(pusher.dropped).toBe(3);
    const starts = taken.map(({ startedMs }) => startedMs);
    expect(starts).toEqual([...starts].sort((a, b) => a - b));
    await pusher.stop({ graceMs: 0 });
    expect(taken).toHaveLength(5);
  });

  it('gives up what is refused, and goes on', async () => {
    const { pusher, taken, window, fail } = rig({ backlogMax: 3 });
    fail(new PyroscopeError('refused', 'no'));
    await window();
    fail(undefined);
    await window();
    await expect.poll(() => taken.length).toBe(1);
    expect(pusher.dropped).toBe(1);
    await pusher.stop({ graceMs: 0 });
  });
});

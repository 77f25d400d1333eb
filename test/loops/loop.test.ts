import pino from 'pino';
import { describe, expect, it } from 'vitest';
import { type Cause, Loop } from '../../src/loops/loop.ts';
import { silentMeters } from '../../src/telemetry/meters.ts';
import { HandWoundClock, settle } from '../support/hand-wound-clock.ts';

function aLoop(
  activate: (cause: Cause, signal: AbortSignal, stepDone: () => void) => Promise<void>,
  clock = new HandWoundClock(),
) {
  const loop = new Loop({
    name: 'scale',
    purpose: 'test',
    periodMs: 1_000,
    hungAfterMs: 4_000,
    clock,
    logger: pino({ level: 'silent' }),
    meters: silentMeters,
    activate: ({ cause, signal, stepDone }) => activate(cause, signal, stepDone),
  });
  return { loop, clock };
}

describe('a loop', () => {
  it('runs at the start, then once a period', async () => {
    const causes: Cause[] = [];
    const { loop, clock } = aLoop(async (cause) => void causes.push(cause));
    loop.start();
    await clock.wind(3_000);
    expect(causes).toEqual(['start', 'timer', 'timer', 'timer']);
    await loop.stop();
    expect(clock.pendingTimers).toBe(0);
  });

  it('makes one more activation of all the pokes that arrive while it runs', async () => {
    const causes: Cause[] = [];
    const gates: Array<() => void> = [];
    const { loop } = aLoop((cause) => {
      causes.push(cause);
      return new Promise((resolve) => gates.push(resolve));
    });
    loop.start();
    loop.poke();
    loop.poke();
    loop.poke();
    expect(causes).toEqual(['start']);
    gates.shift()?.();
    await settle();
    expect(causes).toEqual(['start', 'poke']);
    gates.shift()?.();
    await settle();
    expect(causes).toEqual(['start', 'poke']);
    await loop.stop();
  });

  it('does not make up for ticks missed during a long activation', async () => {
    const startedAt: number[] = [];
    const clock = new HandWoundClock();
    const { loop } = aLoop(async () => {
      startedAt.push(clock.monotonicMs());
      if (startedAt.length === 1) await new Promise<void>((resolve) => clock.after(3_500, resolve));
    }, clock);
    loop.start();
    await clock.wind(5_000);
    expect(startedAt).toEqual([0, 4_000, 5_000]);
    expect(loop.status().overruns).toBe(1);
    await loop.stop();
  });

  it('goes on after a failure and shows it', async () => {
    let runs = 0;
    const { loop, clock } = aLoop(async () => {
      runs += 1;
      if (runs === 1) throw new Error('the store is away');
    });
    loop.start();
    await settle();
    expect(loop.status()).toMatchObject({ lastResult: 'failed', lastError: 'the store is away', failures: 1 });
    await clock.wind(1_000);
    expect(loop.status()).toMatchObject({ lastResult: 'ok', failures: 1 });
    expect(loop.status().lastError).toBeUndefined();
    await loop.stop();
  });

  it('counts as hung when an activation never ends', async () => {
    const { loop, clock } = aLoop(() => new Promise(() => {}));
    loop.start();
    await clock.wind(4_000);
    expect(loop.status().isHung).toBe(false);
    await clock.wind(1);
    expect(loop.status().isHung).toBe(true);
  });

  it('tells the running activation to end when it is stopped, and starts nothing new', async () => {
    let wasTold = false;
    const { loop, clock } = aLoop(
      (_cause, signal) =>
        new Promise((resolve) =>
          signal.addEventListener('abort', () => {
            wasTold = true;
            resolve();
          }),
        ),
    );
    loop.start();
    loop.poke();
    await loop.stop();
    await clock.wind(10_000);
    expect(wasTold).toBe(true);
    expect(loop.status().activations).toBe(1);
  });

  it('is not hung as long as a long activation gets on with its steps', async () => {
    const { loop, clock } = aLoop(async (_cause, _signal, stepDone) => {
      for (let step = 0; step < 3; step += 1) {
        await new Promise<void>((resolve) => clock.after(3_000, resolve));
        stepDone();
      }
      await new Promise(() => {});
    });
    loop.start();
    await clock.wind(12_000);
    expect(loop.status()).toMatchObject({ isHung: false, idleForMs: 3_000 });
    await clock.wind(1_001);
    expect(loop.status().isHung).toBe(true);
  });

  it('never starts when it was stopped before', async () => {
    const causes: Cause[] = [];
    const { loop, clock } = aLoop(async (cause) => void causes.push(cause));
    await loop.stop();
    loop.start();
    loop.poke();
    await clock.wind(5_000);
    expect(causes).toEqual([]);
  });
});
